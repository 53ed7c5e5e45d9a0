"""Gradient Remedy: weights for two gradients from their 2x2 Gramian.

Y. Hu et al., "Gradient Remedy for Multi-Task Learning in End-to-End Noise-Robust
Speech Recognition", arXiv 2302.11362. Pure functions of tensors; nothing here knows
of models, trainers or devices.
"""

import math

import torch
from torch import Tensor
from torchjd.aggregation import GramianWeightedAggregator, Weighting

from espnet2.train.gradient_decision import TINY, Decision, cosine_and_ratio


def check_max_stretch(max_stretch: float | str | None) -> None:
    """Raise ValueError unless ``max_stretch`` is None, "dynamic" or a number >= 1."""
    if max_stretch is None or max_stretch == "dynamic":
        return
    is_number = isinstance(max_stretch, (int, float)) and not isinstance(
        max_stretch, bool
    )
    if not is_number or not 1 <= max_stretch < math.inf:
        raise ValueError(
            f"max_stretch={max_stretch!r}: expected null, 'dynamic' or a number >= 1"
        )


def _bounded(cosine: Tensor, acute: Tensor, max_stretch: float | str | None) -> Tensor:
    """Return cos(theta') with 1 / cos(theta') within ``max_stretch``."""
    if max_stretch is None:
        return cosine
    if max_stretch == "dynamic":
        return torch.maximum(cosine, acute)
    return cosine.clamp_min(1.0 / max_stretch)


def _balance(
    ratio: Tensor, cosine: Tensor, threshold: float, rescale: bool | str
) -> tuple[Tensor, Tensor, Tensor]:
    """Return step 2: where it is done, the factors on G_SE and on G_ASR."""
    one = torch.ones_like(ratio)
    if not rescale:
        return torch.zeros_like(ratio, dtype=torch.bool), one, one
    dominates = ratio > threshold
    if rescale == "compress":
        return dominates, torch.where(dominates, threshold / ratio, one), one
    rescaled = dominates & (cosine > TINY)
    shrink = torch.where(rescaled, cosine, one)
    return rescaled, shrink, shrink.reciprocal()


def _check(gramian: Tensor, threshold: float, rescale: bool | str) -> None:
    if gramian.shape[-2:] != (2, 2):
        raise ValueError(f"gramian: expected (..., 2, 2), got {tuple(gramian.shape)}")
    if not threshold > 0:
        raise ValueError(f"threshold={threshold!r}: expected a number > 0")
    if rescale not in (True, False, "compress"):
        raise ValueError(f"rescale={rescale!r}: expected true, false or 'compress'")


def remedy(
    gramian: Tensor,
    threshold: float = 5.0,
    max_stretch: float | str | None = None,
    projection: bool = True,
    rescale: bool | str = True,
) -> Decision:
    """Weights of the remedied gradient, with the figures that led to them.

    With a = G_SE (auxiliary), b = G_ASR (main), r = |a| / |b|, theta = arctan(r):

    1. Projection, if <a, b> < 0: a <- p + (|p| / tan theta) b / |b|, where
       p = a - <a, b> / |b|^2 b. The angle between the new a and b is theta.
    2. Rescale, if then |a| > threshold |b|: a <- a cos theta', b <- b / cos theta',
       theta' being the angle between the current a and b.

    In the Gramian's terms step 1 adds (-r cos + sin) b to a, so that the total is a
    weighted sum of the two original gradients.

    The paper bounds nothing: at angles just under 90 degrees 1 / cos theta' is
    arbitrarily large, just over 90 degrees it is sqrt(1 + r^2). ``max_stretch`` raises
    cos theta' to 1 / max_stretch, so both factors stay each other's inverse;
    ``"dynamic"`` takes max_stretch = sqrt(1 + r^2), which makes the stretch continuous.
    As in the authors' code a cos theta' of exactly 0 is not rescaled. With
    ``projection=False`` a conflicting pair, whose cosine is negative, is rescaled only
    if ``max_stretch`` bounds the cosine from below.

    ``rescale="compress"`` is ours: in step 2 only a <- a threshold |b| / |a|, so that
    the SE gradient is at most ``threshold`` times as long as the ASR gradient, which
    keeps its length whatever the angle.

    Args:
        gramian: (..., 2, 2), any real dtype; row and column 0 the auxiliary task (SE),
            1 the main task (ASR).
        threshold: the paper's K, on |a| / |b|.
        max_stretch: None, "dynamic" or a number >= 1, see above.
        projection: whether step 1 is done.
        rescale: whether step 2 is done, or "compress".

    Returns:
        ``Decision``; floating fields in float64. A zero gradient gives weights (1, 1).
        Finite Gramians never give non-finite weights; non-finite ones always do.

    Raises:
        ValueError: ``gramian`` is not (..., 2, 2), or an option is out of range.

    Example:
        >>> g = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])  # 135 degrees apart
        >>> [round(w, 3) for w in remedy(g @ g.T).weights.tolist()]
        [1.0, 2.207]
    """
    _check(gramian, threshold, rescale)
    check_max_stretch(max_stretch)
    gramian = gramian.detach().to(torch.float64)
    cosine, ratio = cosine_and_ratio(gramian)
    conflict = cosine < 0
    acute = torch.hypot(torch.ones_like(ratio), ratio).reciprocal()  # cos theta
    added, new_ratio, new_cosine = torch.zeros_like(ratio), ratio, cosine
    if projection:
        sine = ((1 - cosine) * (1 + cosine)).sqrt()
        added = conflict * torch.addcmul(sine, ratio, cosine, value=-1)
        new_ratio = torch.where(conflict, sine / acute, ratio)
        new_cosine = torch.where(conflict, acute, cosine)
    bounded = _bounded(new_cosine, acute, max_stretch)
    rescaled, shrink, stretch = _balance(new_ratio, bounded, threshold, rescale)
    weights = torch.stack([shrink, torch.addcmul(stretch, shrink, added)], dim=-1)
    # 0 for finite Gramians, nan otherwise: a broken gradient is never masked.
    weights = weights + (gramian * 0).sum((-2, -1)).unsqueeze(-1)
    return Decision(weights, cosine, ratio, conflict, rescaled, stretch)


def remedy_weights(
    gramian: Tensor,
    threshold: float = 5.0,
    max_stretch: float | str | None = None,
    projection: bool = True,
    rescale: bool | str = True,
) -> Tensor:
    """Weights (..., 2), float64: remedied = w[..., 0] g_se + w[..., 1] g_asr.

    The arguments, the method and what is raised are those of ``remedy``.
    """
    return remedy(gramian, threshold, max_stretch, projection, rescale).weights


class GradientRemedyWeighting(Weighting[Tensor]):
    """``remedy_weights`` in torchjd: Gramian (2, 2) in, weights (2,) out."""

    def __init__(self, **options: float | str | bool | None) -> None:
        super().__init__()
        self.options = options

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Return the weights of ``gramian`` (2, 2) in its own dtype, detached."""
        return remedy_weights(gramian, **self.options).to(gramian.dtype)


class GradientRemedy(GramianWeightedAggregator):
    """Gradient Remedy as a torchjd aggregator: Jacobian (2, n) in, gradient (n,) out.

    Row 0 is the auxiliary task's gradient, row 1 the main task's. Options are those of
    ``remedy_weights``. Like torchjd's UPGrad it is not differentiable: the result has
    no graph, so that a backward pass through it is an error.

    Example:
        >>> jacobian = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
        >>> [round(g, 3) for g in GradientRemedy()(jacobian).tolist()]
        [-1.207, 2.207]
    """

    def __init__(self, **options: float | str | bool | None) -> None:
        super().__init__(GradientRemedyWeighting(**options))

    def __call__(self, matrix: Tensor, /) -> Tensor:
        """Return the remedied gradient (n,), detached."""
        with torch.no_grad():
            return super().__call__(matrix)
