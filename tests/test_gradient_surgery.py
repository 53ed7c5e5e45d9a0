"""Named gradients of two losses, combined where both reach and both may decide."""

import pytest
import torch

from espnet2.train.gradient_decision import figures, statistics
from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import (
    GradientConf,
    canonical_name,
    resolve_gradient_conf,
    resolve_shared_params,
)
from espnet2.train.gradient_remedy import GradientRemedy, remedy
from espnet2.train.gradient_surgery import combine, named_gradients

NAMES = ["enh_model.a", "enh_model.b", "s2t_model.c"]
GROUPS = {"enh_model": NAMES[:2]}


def random_gradients(scale: float) -> dict[str, torch.Tensor]:
    return {name: scale * torch.randn(3, 4) for name in NAMES[:2]}


def combined(enh, asr, method="remedy", groups=GROUPS, scale=None, **conf):
    """``combine`` on copies, since it works in place."""
    copies = [{name: g.clone() for name, g in grads.items()} for grads in (enh, asr)]
    return combine(*copies, groups, make_method(method, GradientConf(**conf)), scale)


def slow_remedy(enh: torch.Tensor, asr: torch.Tensor) -> torch.Tensor:
    jacobian = torch.stack([enh.flatten(), asr.flatten()]).double()
    return GradientRemedy()(jacobian).float().view_as(enh)


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_tensor_granularity_remedies_each_tensor_by_itself(scale):
    enh, asr = random_gradients(scale), random_gradients(1.0)
    result = combined(enh, asr)
    for name in NAMES[:2]:
        expected = slow_remedy(enh[name], asr[name])
        torch.testing.assert_close(result.gradients[name], expected)


def test_module_granularity_remedies_the_concatenation():
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    result = combined(enh, asr, granularity="module").gradients
    flat = [torch.cat([g[n].flatten() for n in NAMES[:2]]) for g in (enh, asr)]
    expected = slow_remedy(*flat)
    got = torch.cat([result[n].flatten() for n in NAMES[:2]])
    torch.testing.assert_close(got, expected)


def test_two_prefixes_are_two_groups():
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    groups = {"enh_model.a": ["enh_model.a"], "enh_model.b": ["enh_model.b"]}
    by_module = combined(enh, asr, groups=groups, granularity="module")
    by_tensor = combined(enh, asr)
    for name in NAMES[:2]:
        torch.testing.assert_close(by_module.gradients[name], by_tensor.gradients[name])


def test_sum_is_the_sum_and_asr_only_drops_the_se_gradient():
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    summed = combined(enh, asr, "sum")
    asr_only = combined(enh, asr, "asr_only")
    for name in NAMES[:2]:
        torch.testing.assert_close(summed.gradients[name], enh[name] + asr[name])
        torch.testing.assert_close(asr_only.gradients[name], asr[name])
    seen = statistics(figures(summed.decision))
    assert seen["grad_rescaled"] == 0
    assert seen["grad_ratio"] > 5


def test_order_of_the_names_does_not_matter():
    """The authors' code pairs gradients by position among all parameters."""
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    shuffled = dict(reversed(list(asr.items())))
    one = combined(enh, asr).gradients
    two = combined(enh, shuffled).gradients
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_parameter_that_one_loss_reaches_keeps_that_gradient():
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    del asr["enh_model.a"], enh["enh_model.b"]
    asr["s2t_model.c"] = torch.ones(2)
    result = combined(enh, asr)
    assert torch.equal(result.gradients["enh_model.a"], enh["enh_model.a"])
    assert torch.equal(result.gradients["enh_model.b"], asr["enh_model.b"])
    assert torch.equal(result.gradients["s2t_model.c"], torch.ones(2))
    assert result.decision is None


def test_without_an_se_gradient_the_asr_gradient_stands():
    asr = random_gradients(1.0)
    result = combined({}, asr)
    assert all(torch.equal(result.gradients[name], asr[name]) for name in asr)


def test_a_zero_asr_gradient_passes_the_se_gradient_and_is_not_counted():
    """0 / 0 in the authors' code turns every gradient of the step into nan."""
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    asr["enh_model.a"].zero_()
    result = combined(enh, asr)
    assert torch.equal(result.gradients["enh_model.a"], enh["enh_model.a"])
    only_b = remedy(
        torch.stack([enh["enh_model.b"].flatten(), asr["enh_model.b"].flatten()])
        @ torch.stack([enh["enh_model.b"].flatten(), asr["enh_model.b"].flatten()]).T
    )
    seen = statistics(figures(result.decision))
    assert seen["grad_cosine"] == pytest.approx(only_b.cosine.item())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_broken_gradient_stays_broken_in_its_own_tensor_only(bad):
    enh, asr = random_gradients(1.0), random_gradients(1.0)
    enh["enh_model.a"][0, 0] = bad
    result = combined(enh, asr).gradients
    assert not torch.isfinite(result["enh_model.a"]).all()
    assert torch.isfinite(result["enh_model.b"]).all()


def test_statistics_are_what_they_say():
    asr = {name: torch.tensor([1.0, 0.0]) for name in NAMES[:2]}
    enh = {
        "enh_model.a": torch.tensor([-1.0, 1.0]),
        "enh_model.b": torch.tensor([6.0, 8.0]),
    }
    result = combined(enh, asr)
    assert result.names == NAMES[:2]
    seen = statistics(figures(result.decision))
    assert seen["grad_conflict"] == 0.5
    assert seen["grad_rescaled"] == 0.5
    assert seen["grad_cosine"] == pytest.approx((0.6 - 0.5**0.5) / 2)
    assert seen["grad_stretch"] == pytest.approx(1 / 0.6)
    assert seen["grad_ratio"] == pytest.approx((2**0.5 + 10) / 2)


def test_broken_and_zero_gradients_are_not_counted():
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    enh["enh_model.a"][0, 0] = float("nan")
    asr["enh_model.b"].zero_()
    assert statistics(figures(combined(enh, asr).decision)) == {}


def test_float16_gradients_are_decided_in_float32():
    enh = {"enh_model.a": torch.full((4000,), 200.0, dtype=torch.float16)}
    asr = {"enh_model.a": torch.full((4000,), 10.0, dtype=torch.float16)}
    groups = {"enh_model": ["enh_model.a"]}
    result = combined(enh, asr, groups=groups)
    assert result.gradients["enh_model.a"].dtype == torch.float16
    torch.testing.assert_close(
        result.gradients["enh_model.a"].float(), torch.full((4000,), 210.0)
    )


def test_the_result_lies_in_the_memory_of_the_asr_gradient():
    """No third copy of a large SE module's gradients."""
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    result = combine(enh, asr, GROUPS, make_method("remedy", GradientConf()))
    assert all(result.gradients[name] is asr[name] for name in NAMES[:2])


@pytest.mark.parametrize("granularity", ["tensor", "module"])
@pytest.mark.parametrize("ratio", [0.1, 30.0])
def test_a_loss_scale_changes_no_decision_and_stays_in_the_result(granularity, ratio):
    enh, asr = random_gradients(ratio), random_gradients(1.0)
    scale = torch.tensor(2.0**16)
    scaled = [{name: g * scale for name, g in grads.items()} for grads in (enh, asr)]
    plain = combined(enh, asr, granularity=granularity)
    result = combined(*scaled, scale=scale, granularity=granularity)
    for name in NAMES[:2]:
        got = result.gradients[name] / scale
        torch.testing.assert_close(got, plain.gradients[name])
    expected = statistics(figures(plain.decision))
    assert statistics(figures(result.decision)) == pytest.approx(expected)


def test_surgery_does_not_overflow_where_the_scaled_gradients_do_not():
    """bf16's loss scale doubles until squares of float32 gradients are infinite."""
    enh, asr = random_gradients(20.0), random_gradients(1.0)
    scale = torch.tensor(2.0**110)
    scaled = [{name: g * scale for name, g in grads.items()} for grads in (enh, asr)]
    result = combined(*scaled, scale=scale).gradients
    expected = combined(enh, asr).gradients
    for name in NAMES[:2]:
        torch.testing.assert_close(result[name] / scale, expected[name])


def test_two_biases_that_are_added_do_not_share_a_gradient():
    """Autograd gives both one tensor; written to twice it would count twice."""
    biases = {name: torch.ones(3, requires_grad=True) for name in NAMES[:2]}
    found = named_gradients((biases[NAMES[0]] + biases[NAMES[1]]).sum(), biases)
    found[NAMES[0]].mul_(5)
    assert found[NAMES[1]].tolist() == [1.0, 1.0, 1.0]


def test_a_loss_gives_no_entry_for_what_it_does_not_reach():
    used, unused = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    found = named_gradients((used * 3).sum(), {"used": used, "unused": unused})
    assert list(found) == ["used"]
    assert found["used"].tolist() == [3.0, 3.0]


def test_shared_prefixes_match_whole_components():
    names = ["enh_model.w", "enh_model2.w", "s2t_model.w"]
    assert resolve_shared_params(["enh_model"], names) == {"enh_model": [names[0]]}


def test_prefixes_may_be_written_as_wrappers_show_them():
    names = [canonical_name(n) for n in ("module.enh_model.w", "enh_model._orig_mod.v")]
    assert names == ["enh_model.w", "enh_model.v"]
    assert resolve_shared_params(["module.enh_model"], names) == {"enh_model": names}


def test_a_parameter_of_two_modules_is_found_by_both_names_and_counted_once():
    standing = {"enh_model.tied": "enh_model.tied", "s2t_model.tied": "enh_model.tied"}
    one = resolve_shared_params(["s2t_model"], standing)
    both = resolve_shared_params(["s2t_model", "enh_model"], standing)
    assert one == {"s2t_model": ["enh_model.tied"]}
    assert both == {"s2t_model": ["enh_model.tied"], "enh_model": []}


@pytest.mark.parametrize(
    "prefixes", [["enh"], ["enh_model", "nowhere"], [], "enh_model"]
)
def test_a_prefix_that_matches_nothing_is_an_error(prefixes):
    with pytest.raises(ValueError, match="shared_params"):
        resolve_shared_params(prefixes, NAMES)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"treshold": 5}, "unknown key treshold; known are threshold"),
        ({"threshold": "5"}, "threshold: '5': expected a number"),
        ({"threshold": True}, "threshold"),
        ({"rescale": "up"}, "rescale: 'up': expected true, false or compress"),
        ({"per_batch": 1}, "per_batch: 1: expected true or false"),
        ({"weighting_conf": 1}, "weighting_conf: 1: expected a mapping"),
        ({"projection": 1}, "projection: 1: expected true or false"),
        ({"granularity": "layer"}, "granularity: 'layer': expected tensor or module"),
        ({"max_stretch": "big"}, "max_stretch='big'"),
        ("threshold: 5", "expected a mapping"),
    ],
)
def test_a_wrong_gradient_conf_is_an_error_that_says_what_is_right(conf, message):
    with pytest.raises(ValueError, match=message):
        resolve_gradient_conf(conf)
