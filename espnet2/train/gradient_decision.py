"""What any gradient method decides for pairs of gradients, and what is recorded."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

# Below this cosine (above its inverse as a norm ratio) float64 reciprocals overflow.
TINY = 1e-150


class Decision(NamedTuple):
    """What a method decided for each pair of gradients; every field has shape (...).

    Attributes:
        weights: (..., 2), factors of the auxiliary and of the main gradient.
        cosine: cosine of the angle between the two original gradients, 0 if one is 0.
        norm_ratio: r = |G_SE| / |G_ASR| of the originals, 0 if one of them is 0.
        conflict: bool, the original angle is over 90 degrees.
        rescaled: bool, the method has changed the gradients' lengths to balance them.
        stretch: the factor on G_ASR by that, 1 if there was none.
    """

    weights: Tensor
    cosine: Tensor
    norm_ratio: Tensor
    conflict: Tensor
    rescaled: Tensor
    stretch: Tensor


# What is recorded of a decision.
FIGURES = Decision._fields[1:]


def cosine_and_ratio(gramian: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cosine and the norm ratio (...), as ``Decision`` says.

    Args:
        gramian: (..., 2, 2), float64; row and column 0 the auxiliary task, 1 the main.
    """
    norms = gramian.diagonal(dim1=-2, dim2=-1).sqrt()
    enh_norm, asr_norm = norms.unbind(-1)
    cosine = (gramian[..., 0, 1] / enh_norm / asr_norm).clamp(-1, 1)
    ratio = (enh_norm / asr_norm).clamp_max(1 / TINY)
    unusable = ~(norms > 0).all(-1)
    return cosine.masked_fill_(unusable, 0.0), ratio.masked_fill_(unusable, 0.0)


def figures(decision: Decision) -> np.ndarray:
    """Return (n, 5) float64 on the host, columns as ``FIGURES`` says (one wait)."""
    columns = [getattr(decision, name).double() for name in FIGURES]
    return torch.stack(columns, -1).cpu().numpy()


def statistics(values: np.ndarray) -> dict[str, float]:
    """Return what a user watches, from ``figures``; empty where no pair is usable.

    Over the pairs with two non-zero finite gradients: mean cosine, share in conflict,
    share rescaled, median norm ratio |G_SE|/|G_ASR| and largest stretch.
    """
    usable = np.isfinite(values).all(1) & (values[:, 1] > 0)
    if not usable.any():
        return {}
    cosine, ratio, conflict, rescaled, stretch = values[usable].T
    return {
        "grad_cosine": float(cosine.mean()),
        "grad_conflict": float(conflict.mean()),
        "grad_rescaled": float(rescaled.mean()),
        "grad_ratio": float(np.median(ratio)),
        "grad_stretch": float(stretch.max()),
    }
