"""Many tensors at once: what comes out is what a loop gives, whatever their size."""

import pytest
import torch

from espnet2.train import tensor_lists
from espnet2.train.tensor_lists import add_scaled_, gramians, scale_, spread

SHAPES = [(3,), (200, 100), (), (1, 1, 5), (8193,), (8192,), (0,)]
DTYPES = [torch.float32, torch.float64, torch.bfloat16]


def tensors(dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """Small and large ones, one without elements and one without dimensions."""
    return [torch.randn(shape).to(dtype) for shape in SHAPES]


def on_cpu_and_elsewhere(monkeypatch, *lists):
    """``gramians`` as on a CPU, and the way that other devices go, here by values."""
    on_cpu = gramians(*lists)
    norms = torch._foreach_norm
    monkeypatch.setattr(tensor_lists, "_dots", norms)
    elsewhere = gramians(*lists)
    elsewhere.diagonal(dim1=-2, dim2=-1).square_()
    return on_cpu, elsewhere


def test_gramians_worked_by_hand():
    first, second = [torch.tensor([3.0, 4.0])], [torch.tensor([[1.0], [-2.0]])]
    found = gramians(first, second)
    assert found.tolist() == [[[25.0, -5.0], [-5.0, 5.0]]]
    assert found.dtype == torch.float64
    third = [torch.tensor([[0.0, 10.0]])]
    assert gramians(first, second, third).tolist() == [
        [[25.0, -5.0, 40.0], [-5.0, 5.0, -20.0], [40.0, -20.0, 100.0]]
    ]


@pytest.mark.parametrize("k", [2, 3])
def test_gramians_are_the_same_on_a_cpu_and_as_on_a_gpu(monkeypatch, k):
    lists = [tensors() for _ in range(k)]
    for found in on_cpu_and_elsewhere(monkeypatch, *lists):
        for index, vectors in enumerate(zip(*lists, strict=True)):
            rows = torch.stack([vector.double().flatten() for vector in vectors])
            torch.testing.assert_close(
                found[index], rows @ rows.T, rtol=1e-5, atol=1e-4
            )


def test_gramians_of_half_precision_do_not_overflow():
    big = [torch.full((100,), 300.0, dtype=torch.float16)]
    assert gramians(big, big).tolist() == [[[9e6, 9e6], [9e6, 9e6]]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_scaling_and_adding_is_what_a_loop_does(dtype):
    here, there = tensors(dtype), tensors(dtype)
    weights = torch.randn(len(SHAPES), 2, dtype=torch.float64)
    first, second = weights.to(dtype).unbind(-1)
    scaled = [t * w for t, w in zip(here, first, strict=True)]
    expected = [
        torch.addcmul(s, o, w) for s, o, w in zip(scaled, there, second, strict=True)
    ]
    of_here, of_there = spread(weights, here)
    scale_(here, of_here)
    add_scaled_(here, there, of_there)
    for found, wanted in zip(here, expected, strict=True):
        assert found.dtype == dtype
        torch.testing.assert_close(found, wanted)


def test_a_factor_of_one_changes_no_bit_and_one_of_zero_adds_nothing():
    here, there = tensors(), tensors()
    before = [tensor.clone() for tensor in here]
    ones, zeros = spread(torch.tensor([[1.0, 0.0]]).repeat(len(SHAPES), 1), here)
    scale_(here, ones)
    add_scaled_(here, there, zeros)
    assert all(map(torch.equal, here, before))


def test_factors_keep_the_exactest_dtype_of_their_tensors():
    mixed = [torch.ones(2), torch.ones(2, dtype=torch.float64)]
    third = torch.tensor([[1 / 3], [1 / 3]], dtype=torch.float64)
    scale_(mixed, spread(third, mixed)[0])
    assert mixed[1].tolist() == [1 / 3, 1 / 3]
    torch.testing.assert_close(mixed[0], torch.full((2,), 1 / 3))
