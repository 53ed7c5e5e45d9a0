"""The gradient methods by name: one contract; torchjd's weights are torchjd's."""

import math
import sys
import types

import pytest
import tiny
import torch
from torchjd import aggregation

from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_methods import METHODS, make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.one_way import one_way_weights
from espnet2.train.torchjd_weightings import SHORT_NAMES
from espnet2.train.two_gradient_module import TwoGradientModule

ANGLES = (0.0, 10.0, 80.0, 89.99, 90.0, 90.01, 120.0, 170.0, 180.0)
RATIOS = (1e-6, 1e-3, 0.1, 1.0, 10.0, 1e3, 1e6)


def gramian(angle: float, ratio: float, asr: float = 1.0) -> torch.Tensor:
    """Of two gradients ``angle`` degrees apart, the SE one ``ratio`` times as long."""
    inner = ratio * math.cos(math.radians(angle))
    pair = torch.tensor([[ratio**2, inner], [inner, 1.0]], dtype=torch.float64)
    return asr**2 * pair


def grid() -> torch.Tensor:
    return torch.stack([gramian(angle, ratio) for angle in ANGLES for ratio in RATIOS])


def weights(name: str, gramians: torch.Tensor, **conf) -> torch.Tensor:
    names = [f"tensor{index}" for index in range(len(gramians))]
    method = make_method(name, GradientConf(**conf))
    return method.decide(gramians, names).weights


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_finite_gradients_of_any_angle_and_ratio_get_finite_weights(name):
    found = weights(name, grid())
    assert found.shape == (len(ANGLES) * len(RATIOS), 2)
    assert found.dtype == torch.float64
    assert found.isfinite().all()


@pytest.mark.parametrize("name", METHODS)
def test_zero_gradients_pass_the_other_and_broken_ones_stay_broken(name):
    broken = torch.full((2, 2), float("nan"), dtype=torch.float64)
    only_enh, only_asr = torch.diag(torch.tensor([[4.0, 0], [0, 4.0]])).new_zeros(
        2, 2, 2
    )
    only_enh = torch.tensor([[4.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    only_asr = torch.tensor([[0.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
    found = weights(name, torch.stack([only_enh, only_asr, broken, gramian(60, 1)]))
    enh_weight = 0.0 if name == "asr_only" else 1.0
    assert found[0, 0] == enh_weight
    assert found[1, 1] == 1
    if name not in ("sum", "asr_only"):
        assert not found[2].isfinite().any()
    assert found[3].isfinite().all()


@pytest.mark.parametrize("name", [n for n in METHODS if n not in SHORT_NAMES])
def test_own_methods_treat_each_pair_by_itself(name):
    together = weights(name, grid())
    alone = torch.cat([weights(name, one[None]) for one in grid()])
    torch.testing.assert_close(together, alone, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "weighting"),
    [
        ("pcgrad", aggregation.PCGradWeighting()),
        ("mgda", aggregation.MGDAWeighting()),
        ("imtlg", aggregation.IMTLGWeighting()),
        ("upgrad", aggregation.UPGradWeighting()),
        ("aligned_mtl", aggregation.AlignedMTLWeighting()),
        ("cagrad", aggregation.CAGradWeighting(c=0.5)),
    ],
)
def test_torchjds_methods_are_torchjds(name, weighting):
    expected = torch.stack([weighting(one) for one in grid()])
    torch.testing.assert_close(weights(name, grid()), expected)


@pytest.mark.parametrize("scale", [1e-12, 1e-4, 1e4, 1e12])
@pytest.mark.parametrize("name", [*METHODS, "torchjd.aggregation.DualProjWeighting"])
def test_the_result_scales_with_the_gradients_as_defined(name, scale):
    """CAGrad's weights were (0, 0) for gradients under 1e-4: training stood still.

    5 of mini_radio's 12 shared tensors had no gradient at all after 60 steps; UPGrad
    and DualProj took (0.5, 0.5). FairGrad with alpha = 1 solves G w = 1 / w: gradients
    of any length give a gradient of one length. d4am looks at other things.
    """
    jacobian = torch.tensor([[3.0, 1, -2], [-1, 0.5, 2]], dtype=torch.float64)
    one, other = (
        weights(name, (factor * jacobian @ jacobian.T * factor)[None])[0]
        for factor in (1.0, scale)
    )
    expected = one / scale if name == "fairgrad" else one
    torch.testing.assert_close(other, expected, rtol=1e-4, atol=0)
    assert (other != 0).any()


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_fairgrad_solves_its_equation_at_any_scale(alpha):
    """torchjd's solver alone stops far from it for small and for large gradients."""
    for scale in (1e-8, 1.0, 1e8):
        pair = scale * torch.tensor([[2.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
        found = weights("fairgrad", pair[None], weighting_conf={"alpha": alpha})[0]
        torch.testing.assert_close(
            pair @ found, found ** (-1 / alpha), rtol=1e-4, atol=0
        )


class ByTrace(aggregation.Weighting):
    """A user's own weighting, which depends on the scale."""

    def forward(self, gramian):
        return torch.stack([gramian.trace(), gramian.trace()])


def test_a_class_from_elsewhere_is_given_the_gramian_as_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "mine", types.SimpleNamespace(ByTrace=ByTrace))
    pair = torch.tensor([[2.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    assert weights("mine.ByTrace", pair[None]).tolist() == [[3.0, 3.0]]


def test_pcgrad_by_hand():
    """135 degrees, equal lengths: each loses its part along the other."""
    pair = torch.tensor([[2.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    # a <- a + 1 b, b <- b + 1/2 a
    torch.testing.assert_close(
        weights("pcgrad", pair[None])[0], torch.tensor([1.5, 2.0]).double()
    )


def test_one_way_projection_by_hand():
    """a = (-1, 1) and b = (1, 0): a loses its first component, b stays."""
    enh, asr = torch.tensor([-1.0, 1.0]), torch.tensor([1.0, 0.0])
    jacobian = torch.stack([enh, asr])
    found = one_way_weights(jacobian @ jacobian.T)
    assert found.tolist() == [1.0, 2.0]
    assert (found.float() @ jacobian).tolist() == [1.0, 1.0]


def test_one_way_projection_leaves_no_conflict_and_the_asr_part_whole():
    jacobian = torch.randn(2, 50, dtype=torch.float64)
    jacobian[0] -= 3 * jacobian[1]
    enh_weight, asr_weight = one_way_weights(jacobian @ jacobian.T)
    projected = enh_weight * jacobian[0] + (asr_weight - 1) * jacobian[1]
    assert projected @ jacobian[1] == pytest.approx(0, abs=1e-9)
    assert enh_weight == 1


def test_one_way_projection_does_nothing_without_a_conflict():
    assert weights("one_way", gramian(60, 100)[None]).tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("name", METHODS)
def test_all_methods_report_the_same_angle_and_ratio(name):
    method = make_method(name, GradientConf())
    decision = method.decide(gramian(120, 7)[None], ["w"])
    assert decision.cosine.item() == pytest.approx(-0.5)
    assert decision.norm_ratio.item() == pytest.approx(7)
    assert decision.conflict.item()
    assert decision.rescaled.item() == (name == "remedy")


def test_any_gramian_weighting_of_torchjd_can_be_named_with_its_options():
    path = "torchjd.aggregation.UPGradWeighting"
    options = {"pref_vector": [0.0, 1.0]}
    found = weights(path, gramian(60, 1)[None], weighting_conf=options)
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0]]).double())


@pytest.mark.parametrize(
    ("name", "conf", "message"),
    [
        ("remdy", {}, "'remdy': expected one of remedy, sum"),
        ("torchjd.aggregation.Nothing", {}, "has no attribute 'Nothing'"),
        ("no_such_package.Weighting", {}, "No module named 'no_such_package'"),
        ("torchjd.aggregation.UPGrad", {}, "is no torchjd Weighting class"),
        ("torchjd.aggregation.MeanWeighting", {}, "works on the whole Jacobian"),
        ("cagrad", {"a": 1}, "cagrad with weighting_conf: .*unexpected keyword"),
        ("cagrad", {"c": -1}, "c must be non-negative"),
        ("sum", {"c": 1}, "is for torchjd's methods; sum has none"),
    ],
)
def test_a_wrong_method_is_an_error_that_says_what_is_right(name, conf, message):
    with pytest.raises(ValueError, match=message):
        make_method(name, GradientConf(weighting_conf=conf))


def test_gradvac_keeps_a_state_for_each_name_and_goes_on_from_it():
    torch.manual_seed(0)
    steps = [grid()[torch.randperm(len(grid()))[:3]] for _ in range(6)]
    names = ["a", "b", "c"]
    straight = make_method("gradvac", GradientConf(), seed=3)
    expected = [straight.decide(step, names).weights for step in steps]
    first = make_method("gradvac", GradientConf(), seed=3)
    for step in steps[:4]:
        first.decide(step, names)
    second = make_method("gradvac", GradientConf(), seed=3)
    second.load_state_dict(first.state_dict())
    shuffled = [2, 0, 1]
    for step, weights_of_step in zip(steps[4:], expected[4:], strict=True):
        found = second.decide(step[shuffled], [names[i] for i in shuffled]).weights
        torch.testing.assert_close(found, weights_of_step[shuffled])
    fresh = make_method("gradvac", GradientConf(), seed=3)
    assert not torch.allclose(fresh.decide(steps[4], names).weights, expected[4])


def test_a_methods_random_numbers_are_its_own():
    """Dropout must not change with the method, nor the method with dropout."""
    torch.manual_seed(0)
    state = torch.get_rng_state()
    weights("pcgrad", grid())
    assert torch.equal(torch.get_rng_state(), state)


class Halved(GradientMethod):
    """Half of both gradients: what a user's own method looks like."""

    def weigh(self, gramians, names):
        return torch.full((len(gramians), 2), 0.5, dtype=torch.float64)


def test_a_method_is_added_by_one_class_and_one_line(tmp_path, monkeypatch):
    """It is an option of the command line, trains, and is recorded as others are."""
    monkeypatch.setitem(METHODS, "halved", Halved)
    flags = ["--gradient_method", "halved", "--output_dir", str(tmp_path)]
    args = GradientRemedyTask.get_parser().parse_args(flags)
    assert "halved" in GradientRemedyTask.get_parser().format_help()
    model, half = tiny.tiny_model(), make_method(args.gradient_method, GradientConf())
    summed = make_method("sum", GradientConf(probe=True))
    seen = []
    gradients = [
        tiny.gradients(
            model,
            TwoGradientModule(model, method, ["enh_model"], report=r)(**tiny.batch())[
                "loss"
            ],
        )
        for method, r in (
            (half, lambda *decision: seen.append(decision)),
            (summed, print),
        )
    ]
    for name, value in gradients[1].items():
        factor = 0.5 if name in seen[0][0] else 1.0
        torch.testing.assert_close(gradients[0][name], factor * value)
    assert any(name.startswith("enh_model") for name in seen[0][0])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*METHODS, "torchjd.aggregation.DualProjWeighting"])
def test_what_a_method_says_of_itself_is_true(name):
    """Weights that never change are no decision; what rescales says so."""
    found = weights(name, grid())
    made = make_method(name, GradientConf())
    assert made.decides == (len(found.unique(dim=0)) > 1)
    assert made.wants_enh == bool((found[:, 0] != 0).any())
    names = [str(n) for n in range(len(grid()))]
    decision = made.decide(grid(), names)
    assert made.rescales == bool(decision.rescaled.any())
    assert made.separates == made.decides
    assert make_method(name, GradientConf(probe=True)).separates
