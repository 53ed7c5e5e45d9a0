"""Gradient Remedy's weights against hand-worked values and the vector definition."""

import doctest
import math

import pytest
import torch
from torch import Tensor
from torchjd.aggregation import UPGrad

from espnet2.train import gradient_remedy
from espnet2.train.gradient_remedy import (
    GradientRemedy,
    remedy,
    remedy_weights,
)

K = 5.0


def remedy_of_vectors(enh: Tensor, asr: Tensor, threshold: float = K) -> Tensor:
    """The published definition, step by step, on two float64 vectors."""
    enh_norm, asr_norm = enh.norm(), asr.norm()
    tangent = enh_norm / asr_norm
    if enh @ asr < 0:
        orthogonal = enh - (enh @ asr) / asr_norm**2 * asr
        enh = orthogonal + orthogonal.norm() / tangent * asr / asr_norm
    if enh.norm() / asr_norm > threshold:
        cosine = (enh @ asr) / (enh.norm() * asr_norm)
        if cosine != 0:
            enh, asr = enh * cosine, asr / cosine
    return enh + asr


def pair(degrees: float, ratio: float) -> Tensor:
    """Two float64 rows, |row 0| = ratio, |row 1| = 1, at an angle; general position."""
    angle = math.radians(degrees)
    flat = torch.tensor(
        [[ratio * math.cos(angle), ratio * math.sin(angle), 0.0], [1.0, 0.0, 0.0]],
        dtype=torch.float64,
    )
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    return flat @ rotation


def gramian(degrees: float, ratio: float) -> Tensor:
    rows = pair(degrees, ratio)
    return rows @ rows.mT


DEGREES = [0, 1e-3, 1, 30, 45, 60, 80, 89, 89.9, 90.1, 91, 120, 135, 150, 179, 179.9]
RATIOS = [10.0**k for k in range(-6, 7)] + [0.5, 4.9, 4.999, 5.001, 5.1, 20.0]


def test_weights_equal_the_vector_definition_in_one_batch():
    pairs = torch.stack([pair(d, r) for d in DEGREES for r in RATIOS])
    weights = remedy_weights(pairs @ pairs.mT)
    remedied = (weights.unsqueeze(-1) * pairs).sum(-2)
    for index, (enh, asr) in enumerate(pairs):
        expected = remedy_of_vectors(enh, asr)
        terms = (weights[index].abs() * torch.stack([enh.norm(), asr.norm()])).sum()
        assert (remedied[index] - expected).norm() <= 1e-6 * expected.norm() + (
            1e-13 * terms
        ), (DEGREES[index // len(RATIOS)], RATIOS[index % len(RATIOS)])


def test_exactly_opposite_gradients_leave_the_asr_gradient():
    weights = remedy_weights(gramian(180, 3.0))
    # p = 0: the whole SE gradient is removed, -r cos = 3 times G_ASR cancels it.
    torch.testing.assert_close(
        weights, torch.tensor([1.0, 4.0], dtype=torch.float64), rtol=1e-6, atol=1e-6
    )


def test_hand_worked_conflict():
    # g_se = (1, 0), g_asr = (-1, 1): p = (.5, .5), |p| / tan theta = .7071 * sqrt 2 = 1
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    expected = torch.tensor([1.0, 1.0 + 0.5 + 1 / math.sqrt(2)])
    torch.testing.assert_close(remedy_weights(rows @ rows.T).float(), expected)


def test_hand_worked_dominance():
    # |g_se| = 10 |g_asr| at 60 degrees: cos = 1/2, so halve SE and double ASR.
    weights = remedy_weights(gramian(60, 10.0))
    torch.testing.assert_close(weights, torch.tensor([0.5, 2.0], dtype=torch.float64))


def test_agreeing_and_balanced_gradients_are_left_alone():
    weights = remedy_weights(gramian(60, 4.9))
    torch.testing.assert_close(weights, torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("ratio", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("degrees", [91, 135, 179])
def test_projected_se_gradient_helps_asr_at_the_angle_theta(degrees, ratio):
    enh, asr = pair(degrees, ratio)
    weights = remedy_weights(gramian(degrees, ratio), rescale=False)
    turned = weights[0] * enh + (weights[1] - 1) * asr
    cosine = (turned @ asr) / (turned.norm() * asr.norm())
    assert cosine.item() == pytest.approx(math.cos(math.atan(ratio)), rel=1e-6)


@pytest.mark.parametrize("max_stretch", [None, "dynamic", 3.0])
def test_remedied_gradient_never_opposes_asr(max_stretch):
    for degrees in DEGREES:
        for ratio in RATIOS:
            weights = remedy_weights(gramian(degrees, ratio), max_stretch=max_stretch)
            along_asr = weights[0] * ratio * math.cos(math.radians(degrees))
            assert along_asr + weights[1] > 0


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e3, 1e30])
def test_scaling_both_gradients_changes_no_weight(scale):
    for degrees in (30, 89, 120):
        plain = remedy_weights(gramian(degrees, 20.0))
        scaled = remedy_weights(gramian(degrees, 20.0) * scale**2)
        torch.testing.assert_close(scaled, plain)


@pytest.mark.parametrize("options", [{}, {"max_stretch": "dynamic"}])
@pytest.mark.parametrize("zero", ["enh", "asr", "both"])
def test_a_zero_gradient_gives_the_plain_sum(zero, options):
    keep = torch.tensor([zero == "asr", zero == "enh"], dtype=torch.float64)
    weights = remedy_weights(torch.diag(keep), **options)
    assert weights.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("max_stretch", [None, "dynamic", 10.0])
@pytest.mark.parametrize("projection", [True, False])
def test_finite_gramians_never_give_a_non_finite_weight(max_stretch, projection):
    values = [0.0, 5e-324, 1e-310, 1e-150, 1e-30, 1.0, 1e30, 1e150, 1e308]
    cross = [sign * v for v in values for sign in (-1, 1)]
    grid = torch.tensor(
        [[[a, c], [c, b]] for a in values for b in values for c in cross],
        dtype=torch.float64,
    )
    weights = remedy_weights(grid, max_stretch=max_stretch, projection=projection)
    assert torch.isfinite(weights).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", [(0, 0), (0, 1), (1, 1)])
def test_non_finite_gramians_give_non_finite_weights_and_spoil_no_neighbour(bad, where):
    batch = torch.stack([gramian(60, 2.0), gramian(60, 2.0)])
    batch[0, where[0], where[1]] = bad
    batch[0, where[1], where[0]] = bad
    weights = remedy_weights(batch)
    assert not torch.isfinite(weights[0]).any()
    assert weights[1].tolist() == [1.0, 1.0]


def test_published_stretch_jumps_at_90_degrees_and_the_dynamic_bound_does_not():
    below, above = gramian(89.99, 10.0), gramian(90.01, 10.0)
    published = [remedy(g).stretch.item() for g in (below, above)]
    dynamic = [remedy(g, max_stretch="dynamic").stretch.item() for g in (below, above)]
    assert published[0] == pytest.approx(5729.6, rel=1e-3)
    assert published[1] == pytest.approx(math.sqrt(101), rel=1e-6)
    assert dynamic[0] == pytest.approx(dynamic[1], rel=1e-6)
    assert dynamic[0] == pytest.approx(math.sqrt(101), rel=1e-6)


@pytest.mark.parametrize("degrees", DEGREES)
def test_both_factors_stay_each_others_inverse_under_a_bound(degrees):
    for max_stretch in ("dynamic", 2.0):
        result = remedy(
            gramian(degrees, 50.0), max_stretch=max_stretch, projection=False
        )
        shrink, grow = result.weights.tolist()
        assert shrink * grow == pytest.approx(1.0)
        assert grow == pytest.approx(result.stretch.item())
    assert result.stretch.item() <= 2.0 + 1e-12


def test_rescale_alone_leaves_a_conflict_alone_unless_bounded():
    conflict = gramian(120, 50.0)
    published = remedy(conflict, projection=False)
    assert published.weights.tolist() == [1.0, 1.0]
    assert not published.rescaled
    assert remedy(conflict, projection=False, max_stretch=4.0).stretch.item() == 4.0


@pytest.mark.parametrize("degrees", [10.0, 89.99, 90.0, 90.01, 170.0])
@pytest.mark.parametrize("ratio", [0.5, 4.9, 20.0, 1e4])
def test_compressing_limits_the_se_gradient_and_leaves_the_asr_gradient(degrees, ratio):
    angle = math.radians(degrees)
    enh = ratio * torch.tensor([math.cos(angle), math.sin(angle)]).double()
    asr = torch.tensor([1.0, 0.0]).double()
    jacobian = torch.stack([enh, asr])
    gramian = jacobian @ jacobian.T
    found = remedy(gramian, rescale="compress")
    turned = remedy(gramian, rescale=False).weights @ jacobian - asr
    compressed = found.weights @ jacobian - asr
    expected = turned * min(1.0, 5.0 / turned.norm().item())
    torch.testing.assert_close(compressed, expected)
    assert found.stretch == 1
    assert found.rescaled.item() == (turned.norm().item() > 5)


def test_random_directions_stretch_by_thousands_unless_bounded():
    """Unrelated gradients of a large layer: |cos| is about 1 / sqrt n."""
    torch.manual_seed(1)
    rows = torch.randn(2, 1_000_000, dtype=torch.float64)
    rows[0] *= 10
    result = remedy(rows @ rows.mT)
    if result.conflict:
        rows[0] *= -1
        result = remedy(rows @ rows.mT)
    assert result.stretch > 300
    bounded = remedy(rows @ rows.mT, max_stretch="dynamic").stretch.item()
    assert bounded == pytest.approx(math.sqrt(101), rel=0.01)


def test_diagnostics_say_what_was_done():
    result = remedy(torch.stack([gramian(60, 2.0), gramian(120, 50.0)]))
    assert result.conflict.tolist() == [False, True]
    assert result.rescaled.tolist() == [False, True]
    torch.testing.assert_close(result.cosine, torch.tensor([0.5, -0.5]).double())
    torch.testing.assert_close(result.norm_ratio, torch.tensor([2.0, 50.0]).double())
    assert result.stretch[0] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0},
        {"threshold": -1.0},
        {"max_stretch": 0.5},
        {"max_stretch": "static"},
        {"max_stretch": True},
        {"max_stretch": math.nan},
    ],
)
def test_a_wrong_option_is_an_error_that_names_it(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        remedy_weights(torch.eye(2), **wrong)


def test_a_gramian_of_another_shape_is_an_error():
    with pytest.raises(ValueError, match=r"\(3, 3\)"):
        remedy_weights(torch.eye(3))


def test_aggregator_gives_the_definition_on_a_jacobian():
    rows = torch.stack([pair(d, 12.0) for d in (30, 100, 170)])
    for jacobian in rows:
        expected = remedy_of_vectors(*jacobian)
        torch.testing.assert_close(GradientRemedy()(jacobian), expected)


def test_aggregator_works_in_a_torchjd_program():
    from torchjd.autojac import backward, jac_to_grad

    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    enh_loss, asr_loss = weight[0], weight[1] - weight[0]
    backward([enh_loss, asr_loss])
    jac_to_grad([weight], GradientRemedy(threshold=K))
    expected = remedy_of_vectors(torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(weight.grad, expected)


def test_the_examples_in_the_docstrings_are_true():
    result = doctest.testmod(gradient_remedy)
    assert result.attempted >= 4 and result.failed == 0


@pytest.mark.parametrize("aggregator", [GradientRemedy(), UPGrad()])
def test_a_backward_pass_through_the_aggregator_is_an_error(aggregator):
    """It used to give a gradient that left out how the weights depend on the matrix."""
    jacobian = pair(120, 2.0).requires_grad_()
    combined = aggregator(jacobian)
    with pytest.raises(RuntimeError, match="does not require grad"):
        combined.sum().backward()
