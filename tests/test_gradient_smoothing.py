"""Deciding by the running mean of the ASR gradient."""

import pytest
import torch

from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_smoothing import SmoothedGradients
from espnet2.train.gradient_surgery import combine

NAME = "enh_model.a"
GROUPS = {"enh_model": [NAME]}


def method(name: str = "one_way", **conf) -> GradientMethod:
    return make_method(name, GradientConf(**conf))


def step(decider: GradientMethod, enh: list, asr: list, scale=None) -> torch.Tensor:
    """The combined gradient of one tensor."""
    pair = ({NAME: torch.tensor(values).double()} for values in (enh, asr))
    return combine(*pair, GROUPS, decider, scale).gradients[NAME]


def means(smoothed: SmoothedGradients, **grads: torch.Tensor) -> list[torch.Tensor]:
    """The means without their bias towards zero, after one more step."""
    sums, shares = smoothed.update(list(grads), list(grads.values()))
    return [total / share for total, share in zip(sums, shares.float(), strict=True)]


def test_means_worked_by_hand_carry_no_bias_towards_zero():
    """0.5 g1 / 0.5 = g1; then (0.25 g1 + 0.5 g2) / 0.75."""
    smoothed = SmoothedGradients(0.5)
    first = means(smoothed, a=torch.tensor([3.0, 0.0]))[0]
    second = means(smoothed, a=torch.tensor([0.0, 6.0]))[0]
    torch.testing.assert_close(first, torch.tensor([3.0, 0.0]))
    torch.testing.assert_close(second, torch.tensor([1.0, 4.0]))


def test_a_tensor_that_comes_later_has_a_mean_of_its_own_steps():
    smoothed = SmoothedGradients(0.5)
    means(smoothed, a=torch.ones(2))
    late = means(smoothed, a=torch.ones(2), b=torch.full((2,), 7.0))[1]
    torch.testing.assert_close(late, torch.full((2,), 7.0))


@pytest.mark.parametrize("bad", [torch.inf, -torch.inf, torch.nan])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_step_with_a_gradient_that_is_not_finite_leaves_all_means(bad, dtype):
    """Such a step is skipped: a loss scale's first steps often are."""
    smoothed = SmoothedGradients(0.5)
    one = torch.ones(2, dtype=dtype)
    means(smoothed, a=one, b=2 * one)
    means(smoothed, a=torch.tensor([bad, 1.0], dtype=dtype), b=torch.zeros_like(one))
    sums, shares = smoothed.update(["a", "b"], [one, 2 * one])
    assert [total.tolist() for total in sums] == [[0.75, 0.75], [1.5, 1.5]]
    assert shares.tolist() == [0.75, 0.75]


def test_a_broken_first_step_leaves_nothing_behind():
    smoothed = SmoothedGradients(0.5)
    means(smoothed, a=torch.tensor([torch.inf, 1.0]))
    found = means(smoothed, a=torch.tensor([3.0, 4.0]))[0]
    torch.testing.assert_close(found, torch.tensor([3.0, 4.0]))


def test_a_gradient_of_large_finite_numbers_is_no_broken_one():
    smoothed = SmoothedGradients(0.5)
    large = torch.tensor([3e38, -3e38])
    torch.testing.assert_close(means(smoothed, a=large)[0], large)


def test_the_first_step_is_that_without_smoothing():
    enh, asr = [4.0, -2.0], [-1.0, 3.0]
    for name in ("one_way", "remedy", "pcgrad"):
        expected = step(method(name), enh, asr)
        torch.testing.assert_close(
            step(method(name, smoothing=0.9), enh, asr), expected
        )


def test_a_conflict_of_the_batch_alone_is_left_and_one_of_the_mean_is_mended():
    """The mean is (1, 4): against it conflicts (0, -8), of which all must go.

    (0, -8) . (1, 4) = -32, over |(1, 4)|^2 = 17; that times (1, 4) is taken away. The
    batch itself, (0, 6), adds itself whole. (-8, 4) is in conflict with the batch
    (6, 0), but not with the mean, and is only added.
    """
    first, second = [3.0, 0.0], [0.0, 6.0]
    decider = method(smoothing=0.5)
    step(decider, [1.0, 0.0], first)
    found = step(decider, [0.0, -8.0], second)
    expected = torch.tensor([0.0, -8.0 + 6.0]).double()
    expected += 32 / 17 * torch.tensor([1.0, 4.0]).double()
    torch.testing.assert_close(found, expected)

    decider = method(smoothing=0.5)
    step(decider, [1.0, 0.0], [0.0, 6.0])
    torch.testing.assert_close(
        step(decider, [-8.0, 4.0], [3.0, 3.0]), torch.tensor([-5.0, 7.0]).double()
    )


def turned_by_the_mean(enh, asr, mean, threshold=5.0):
    """The remedy in vectors: turned by the mean, balanced with ``asr``."""
    if enh @ mean < 0:
        across = enh - (enh @ mean) / (mean @ mean) * mean
        ratio = enh.norm() / mean.norm()  # tan theta
        enh = across + across.norm() / ratio * mean / mean.norm()
    if enh.norm() <= threshold * asr.norm():
        return enh + asr
    cosine = enh @ asr / enh.norm() / asr.norm()
    cosine = max(cosine, 1 / (1 + (enh.norm() / asr.norm()) ** 2).sqrt())
    return enh * cosine + asr / cosine


@pytest.mark.parametrize("scale", [None, torch.tensor(1024.0).double()])
def test_the_remedy_turns_by_the_mean_and_rescales_by_the_step(scale):
    """Its slow twin; of 40 steps some turn, some rescale, some do both or neither."""
    torch.manual_seed(0)
    decider = method("remedy", smoothing=0.8, max_stretch="dynamic")
    factor, mean, cases = 1.0 if scale is None else scale, torch.zeros(5), set()
    for count in range(1, 41):
        enh = torch.randn(5).double() * (20 if count % 3 else 2)
        asr = torch.randn(5).double()
        mean = 0.8 * mean + 0.2 * asr
        found = step(decider, (factor * enh).tolist(), (factor * asr).tolist(), scale)
        expected = turned_by_the_mean(enh, asr, mean / (1 - 0.8**count))
        torch.testing.assert_close(found / factor, expected, rtol=1e-6, atol=1e-6)
        turned = enh @ mean < 0
        cases.add((bool(turned), bool(torch.norm(enh) > 6 * asr.norm())))
    assert len(cases) == 4


def test_a_module_is_turned_and_rescaled_as_one_vector():
    torch.manual_seed(1)
    conf = {"smoothing": 0.8, "max_stretch": "dynamic"}
    whole = method("remedy", **conf)
    parts = method("remedy", granularity="module", **conf)
    for _ in range(6):
        enh, asr = 9 * torch.randn(7).double(), torch.randn(7).double()
        halves = [{"a": v[:3].clone(), "b": v[3:].clone()} for v in (enh, asr)]
        expected = step(whole, enh.tolist(), asr.tolist())
        found = combine(*halves, {"m": ["a", "b"]}, parts).gradients
        torch.testing.assert_close(torch.cat([found["a"], found["b"]]), expected)


def test_noise_in_the_asr_gradient_is_no_dominance_of_the_se_gradient():
    """The mean is ten times shorter than a step's gradient: all steps were rescaled."""
    decider = method("remedy", smoothing=0.98, max_stretch="dynamic")
    for count in range(60):
        asr = [10.0 * (-1) ** count, 1.0]
        pair = ({NAME: torch.tensor(v)} for v in ([0.0, 20.0], asr))
        surgery = combine(*pair, GROUPS, decider)
    assert not surgery.decision.rescaled.item()
    assert surgery.gradients[NAME].tolist() == [-10.0, 21.0]


def test_the_sum_stays_the_sum_bit_for_bit():
    decider = method("sum", smoothing=0.9, probe=True)
    for seed in range(3):
        torch.manual_seed(seed)
        enh, asr = torch.randn(2, 5).tolist()
        total = torch.tensor(asr).double() + torch.tensor(enh).double()
        assert torch.equal(step(decider, enh, asr), total)


def test_the_loss_scale_changes_nothing():
    plain, scaled = method(smoothing=0.5), method(smoothing=0.5)
    scale = torch.tensor(1024.0, dtype=torch.float64)
    for enh, asr in (([1.0, -3.0], [0.0, 1.0]), ([2.0, -3.0], [1.0, 1.0])):
        expected = step(plain, enh, asr)
        big = [[1024 * value for value in values] for values in (enh, asr)]
        torch.testing.assert_close(step(scaled, *big, scale) / 1024, expected)


def test_a_resumed_run_goes_on_as_it_would_have():
    torch.manual_seed(0)
    steps = [torch.randn(2, 5).tolist() for _ in range(6)]
    straight = method(smoothing=0.8)
    expected = [step(straight, *pair) for pair in steps]
    first, second = method(smoothing=0.8), method(smoothing=0.8)
    for pair in steps[:3]:
        step(first, *pair)
    second.load_state_dict(first.state_dict())
    for pair, wanted in zip(steps[3:], expected[3:], strict=True):
        assert torch.equal(step(second, *pair), wanted)
    fresh = method(smoothing=0.8)
    lost = [step(fresh, *pair) for pair in steps[3:]]
    assert not all(map(torch.equal, lost, expected[3:]))


def test_steps_after_a_resume_leave_the_state_that_it_began_with():
    """The means are updated in place: two runs from one state shared them once."""
    first, second = SmoothedGradients(0.5), SmoothedGradients(0.5)
    means(first, a=torch.ones(2))
    second.load_state_dict(first.state_dict())
    means(second, a=torch.full((2,), 9.0))
    assert first.means["a"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("value", [1.0, -0.1, "0.9", True, None])
def test_a_wrong_value_is_told(value):
    with pytest.raises(ValueError, match="smoothing: .*: expected a number from 0"):
        GradientConf(smoothing=value)
