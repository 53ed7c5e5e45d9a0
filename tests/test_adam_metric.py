"""Deciding by lengths and angles as the steps of Adam have them."""

import pytest
import torch
from torch import Tensor

from espnet2.train.adam_metric import DECAY
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_surgery import combine

NAMES = ["enh_model.a", "enh_model.b"]


def method(name: str = "one_way", **conf) -> GradientMethod:
    return make_method(name, GradientConf(metric="adam", **conf))


def step(decider: GradientMethod, enh: Tensor, asr: Tensor, scale=None) -> Tensor:
    """The combined gradients (2, n) of two tensors."""
    pair = (dict(zip(NAMES, values.clone(), strict=True)) for values in (enh, asr))
    combined = combine(*pair, {"enh_model": NAMES}, decider, scale).gradients
    return torch.stack([combined[name] for name in NAMES])


def pairs(number: int) -> list[Tensor]:
    """SE and ASR gradients of two tensors, with elements of very unequal size."""
    torch.manual_seed(0)
    sizes = torch.logspace(-3, 1, 5)
    return [torch.randn(2, 2, 5).double() * sizes for _ in range(number)]


def test_a_step_worked_by_hand():
    """The sums are (4, 1) and (-9, 6), by which products are divided element-wise.

    (5, -1) . (-1, 2): -5 / 4 - 2 = -13 / 4, over 1 / 4 + 4 = 17 / 4; so 13 / 17 of
    the ASR gradient is added. (-10, 2) . (1, 4) is -2, but -10 / 9 + 8 / 6 > 0: a
    conflict of the gradients that is none of the steps, and nothing is done.
    """
    enh = torch.tensor([[5.0, -1.0], [-10.0, 2.0]]).double()
    asr = torch.tensor([[-1.0, 2.0], [1.0, 4.0]]).double()
    expected = enh + asr
    expected[0] += 13 / 17 * asr[0]
    torch.testing.assert_close(step(method(), enh, asr), expected)


def test_where_all_elements_are_alike_it_is_the_plain_metric():
    enh, asr = torch.tensor([[[1.0, -2.0]] * 2, [[1.0, 4.0]] * 2]).double()
    plain = make_method("one_way", GradientConf())
    torch.testing.assert_close(step(method(), enh, asr), step(plain, enh, asr))


def test_many_steps_are_those_of_a_loop_and_adams_steps_do_not_oppose():
    """The slow twin divides element by element and keeps v by itself."""
    decider, squares = method(), torch.zeros(2, 5).double()
    conflicts = 0
    for enh, asr in pairs(20):
        squares = DECAY * squares + (1 - DECAY) * (enh + asr) ** 2
        expected = enh + asr
        for row in range(2):
            rates = squares[row] ** -0.5
            product = (rates * enh[row] * asr[row]).sum()
            if product < 0:
                length = (rates * asr[row] ** 2).sum()
                expected[row] -= product / length * asr[row]
                moved = rates * (expected[row] - asr[row])  # what SE has Adam do
                assert abs((moved * asr[row]).sum()) < 1e-9 * abs(product)
                conflicts += 1
        torch.testing.assert_close(step(decider, enh, asr), expected)
    assert 10 < conflicts < 30


@pytest.mark.parametrize("conf", [{}, {"granularity": "module"}, {"smoothing": 0.5}])
@pytest.mark.parametrize("name", ["one_way", "remedy"])
def test_the_loss_scale_changes_nothing(name, conf):
    plain, scaled = method(name, **conf), method(name, **conf)
    scale = torch.tensor(1024.0).double()
    for enh, asr in pairs(5):
        found = step(scaled, 1024 * enh, 1024 * asr, scale) / 1024
        torch.testing.assert_close(found, step(plain, enh, asr))


@pytest.mark.parametrize("conf", [{}, {"smoothing": 0.5}])
def test_a_resumed_run_goes_on_as_it_would_have(conf):
    straight, first, second = (method(**conf) for _ in range(3))
    steps = pairs(6)
    expected = [step(straight, *pair) for pair in steps]
    for pair in steps[:3]:
        step(first, *pair)
    second.load_state_dict(first.state_dict())
    for pair, wanted in zip(steps[3:], expected[3:], strict=True):
        assert torch.equal(step(second, *pair), wanted)


def test_a_step_with_a_broken_gradient_is_broken_and_leaves_nothing_behind():
    decider, undisturbed = method(), method()
    good, bad, late = pairs(3)
    for one in (decider, undisturbed):
        step(one, *good)
    bad[0, 0, 0] = torch.inf
    assert not step(decider, *bad)[0].isfinite().all()
    assert torch.equal(step(decider, *late), step(undisturbed, *late))


def test_an_element_that_no_loss_reaches_changes_nothing():
    """Its v is 0, by whose root nothing may be divided."""
    enh = torch.tensor([[5.0, -1.0, 0.0]] * 2)
    asr = torch.tensor([[-1.0, 2.0, 0.0]] * 2)
    short = step(method(), enh[:, :2], asr[:, :2])
    torch.testing.assert_close(step(method(), enh, asr)[:, :2], short)


@pytest.mark.parametrize("value", ["sgd", None, True, []])
def test_a_wrong_value_is_told(value):
    with pytest.raises(ValueError, match="metric: .*: expected euclidean or adam"):
        GradientConf(metric=value)
