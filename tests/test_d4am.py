"""D4AM against the published rule, step by step, and its learned weight."""

import pytest
import torch

from espnet2.train.d4am import D4AMConf
from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf


def method(**conf):
    return make_method("d4am", GradientConf(weighting_conf=conf))


def step(decider, enh: torch.Tensor, asr: torch.Tensor) -> torch.Tensor:
    jacobian = torch.stack([enh, asr])
    return decider.decide((jacobian @ jacobian.T)[None], ["w"]).weights[0] @ jacobian


def slow_run(pairs: list, conf: D4AMConf) -> list[torch.Tensor]:
    """The published rule on vectors."""
    alpha, slopes, found = conf.alpha, [], []
    for enh, asr in pairs:
        calibration = max(0.0, -(asr @ enh).item() / (enh @ enh).item())
        found.append(asr + (calibration + alpha) * enh)
        residual = asr + calibration * enh - alpha * enh
        slopes.append(-2 * (residual @ enh).item())
        if len(slopes) == conf.update_num:
            move = -conf.beta * sum(slopes) / len(slopes)
            alpha, slopes = max(0.0, alpha + min(1.0, max(-1.0, move))), []
    return found


def pairs(number: int) -> list:
    torch.manual_seed(0)
    return [tuple(torch.randn(2, 5).double()) for _ in range(number)]


def test_a_conflict_is_calibrated_by_hand():
    """<m, a> = -2, |a|^2 = 4: p = 1/2, and with alpha = 1 the result is m + 3/2 a."""
    enh, asr = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0])
    found = step(method(), enh.double(), asr.double())
    assert found.tolist() == [2.0, 1.0]


@pytest.mark.parametrize("conf", [{}, {"update_num": 3, "beta": 0.4, "alpha": 0.2}])
def test_every_step_is_the_published_one(conf):
    decider = method(**conf)
    expected = slow_run(pairs(40), D4AMConf(**conf))
    for pair, wanted in zip(pairs(40), expected, strict=True):
        torch.testing.assert_close(step(decider, *pair), wanted)


def test_the_weight_ends_where_the_slope_is_zero():
    """m = (3, 1), a = (2, 0): alpha goes to <m, a> / |a|^2 = 3/2."""
    decider = method(update_num=1)
    enh, asr = torch.tensor([2.0, 0.0]).double(), torch.tensor([3.0, 1.0]).double()
    for _ in range(60):
        found = step(decider, enh, asr)
    torch.testing.assert_close(found, torch.tensor([6.0, 1.0]).double())


def test_each_tensor_learns_its_own_weight_and_a_broken_gradient_teaches_nothing():
    decider = method(update_num=1)
    good = torch.tensor([[4.0, 0.0], [0.0, 1.0]]).double()
    broken = torch.full((2, 2), torch.nan).double()
    first = decider.decide(torch.stack([good, broken]), ["a", "b"]).weights
    assert first[0].tolist() == [1.0, 1.0] and first[1].isnan().all()
    second = decider.decide(torch.stack([good, good]), ["b", "a"]).weights
    assert second[0, 0] == 1.0 and second[1, 0] == pytest.approx(1 - 0.05 * 8)


def test_a_resumed_run_goes_on_as_it_would_have():
    straight, first, second = method(), method(), method()
    expected = [step(straight, *pair) for pair in pairs(20)]
    for pair in pairs(20)[:11]:
        step(first, *pair)
    second.load_state_dict(first.state_dict())
    for pair, wanted in zip(pairs(20)[11:], expected[11:], strict=True):
        assert torch.equal(step(second, *pair), wanted)


def test_a_wrong_option_is_told():
    with pytest.raises(ValueError, match="d4am with weighting_conf: .*'gamma'"):
        method(gamma=1)
