"""How much the surgery gives a GPU to do: counted on fake tensors, without one.

A kernel takes some microseconds to start however small its tensor is: that is what the
surgery costs on a GPU as long as there are many small operations. A branch for each
tensor, as in the authors' code, or a loop of small operations would show here.
"""

import math

import pytest
import torch

from espnet2.train.gradient_methods import METHODS, make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.torchjd_weightings import TorchJDMethod

OURS = [name for name, kind in METHODS.items() if kind is not TorchJDMethod]
SMOOTHED = {"smoothing": 0.98}
# By its means a method that rescales compares the step's gradients too: two products
# more for each tensor, and a factor for each large ASR gradient.
RESCALING = [name for name in OURS if METHODS[name].rescales]


@pytest.fixture
def fake_gpu(import_script):
    return import_script("tests/benchmarks/fake_gpu.py")


def second_step(fake_gpu, name, layers=3, is_scaled=False, **options):
    conf = GradientConf(**{"max_stretch": "dynamic", "probe": True, **options})
    shapes = fake_gpu.authors_shapes(layers)
    return fake_gpu.second_step(make_method(name, conf), shapes, is_scaled)


def test_the_authors_network_has_26_tensors(fake_gpu):
    shapes = fake_gpu.authors_shapes()
    assert len(shapes) == 26
    assert sum(map(math.prod, shapes.values())) == 47_303_681


@pytest.mark.parametrize("name", ["remedy", "one_way", "sum", "asr_only"])
def test_the_authors_network_takes_fewer_than_a_hundred_operations(fake_gpu, name):
    assert len(second_step(fake_gpu, name).operations) < 100
    most = 230 if name in RESCALING else 140
    assert len(second_step(fake_gpu, name, **SMOOTHED).operations) < most


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, SMOOTHED, {"granularity": "module"}])
@pytest.mark.parametrize("name", OURS)
def test_a_layer_more_costs_two_operations_a_tensor(fake_gpu, name, options):
    small, large = (
        second_step(fake_gpu, name, layers, is_scaled=True, **options)
        for layers in (2, 3)
    )
    added = len(fake_gpu.authors_shapes(3)) - len(fake_gpu.authors_shapes(2))
    most = 4.5 if options is SMOOTHED and name in RESCALING else 2
    assert len(large.operations) - len(small.operations) <= most * added


@pytest.mark.parametrize("options", [{}, SMOOTHED])
@pytest.mark.parametrize("name", OURS)
def test_no_gradient_is_converted_or_copied(fake_gpu, name, options):
    """Only vectors of a few numbers for each tensor change their dtype.

    The running means need one copy of the gradients while they are updated.
    """
    gpu = second_step(fake_gpu, name, is_scaled=True, **options)
    shapes = fake_gpu.authors_shapes()
    size = 4 * sum(map(math.prod, shapes.values()))
    most = 6 if options is SMOOTHED and name in RESCALING else 4  # products of a tensor
    assert max(gpu.converted) <= 8 * most * len(shapes)
    assert gpu.peak < (1.01 if options else 0.01) * size


def test_operations_and_bytes_of_a_step_worked_by_hand(fake_gpu):
    gpu = fake_gpu.FakeGPU()
    with fake_gpu.FakeTensorMode():
        a, b = (torch.empty(10, 10, device="cuda") for _ in range(2))
        with gpu:
            view = a.flatten()  # starts nothing
            a.mul_(b)  # reads two, writes one
            c = a.double()  # reads 400 bytes, writes 800
            torch._foreach_add_([a, b], 1)  # reads and writes both
            view.sum()  # reads 400, writes 4
            del c
            a.expand(5, 10, 10).clone()  # reads 400, writes 2000
    assert [operation.n_bytes for operation in gpu.operations] == [
        1200,
        1200,
        1600,
        404,
        2400,
    ]
    assert gpu.converted == [800]
    assert gpu.peak == 2000
