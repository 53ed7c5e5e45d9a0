"""Lengths and angles of gradients as the steps of Adam have them.

Adam divides each element g_i of a gradient by the root of the running mean v_i of its
square. What a step along a changes in a loss with the gradient b is then not <a, b> but

    <a, b>_v = sum_i a_i b_i / sqrt(v_i),

so that two gradients at right angles may still make opposed steps. Ours; the paper and
its code look at gradients only.
"""

import torch
from torch import Tensor

from espnet2.train.gradient_smoothing import SmoothedGradients

DECAY = 0.98  # of v: about the last fifty steps
TINY = 1e-16  # added to v; as Adam's eps of 1e-8, squared


def adam_roots(
    squares: SmoothedGradients,
    names: list[str],
    enh_grads: list[Tensor],
    asr_grads: list[Tensor],
) -> list[Tensor]:
    """Return v^(-1/4) of n pairs of gradients; the step's own count for v.

    <a, b>_v is the plain product of both times these. v is of the sum of the two, and
    lacks Adam's bias correction, which would scale a whole tensor. A step that is not
    finite leaves v as it was. No host synchronisation; two copies of the gradients are
    held for a moment.

    Args:
        squares: keeps v by the tensors' names.
        names: of the pairs.
        enh_grads: n tensors, not changed.
        asr_grads: likewise.
    """
    total = torch._foreach_add(enh_grads, asr_grads)
    torch._foreach_mul_(total, total)
    means, _ = squares.update(names, total)
    roots = torch._foreach_add(means, TINY)
    torch._foreach_pow_(roots, -0.25)
    return roots


def times_roots(
    roots: list[Tensor] | None, first: list[Tensor], second: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return two lists of tensors times ``roots``, which are overwritten; or as is."""
    if roots is None:
        return first, second
    scaled = torch._foreach_mul(roots, first)
    torch._foreach_mul_(roots, second)
    return scaled, roots
