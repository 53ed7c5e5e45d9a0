"""The one-way projection: the SE gradient without its part against the ASR gradient."""

import torch
from torch import Tensor

from espnet2.train.gradient_method import GradientMethod


def one_way_weights(gramian: Tensor) -> Tensor:
    """Return weights (..., 2), float64, of the one-way projection.

    If <a, b> < 0, with a = G_SE and b = G_ASR: a <- a - <a, b> / |b|^2 b. The ASR
    gradient stays as it is (PCGrad, arXiv 2001.06782, would change both). A zero
    gradient gives (1, 1), a non-finite one non-finite weights.

    Args:
        gramian: (..., 2, 2); row and column 0 the SE gradient, 1 the ASR gradient.
    """
    gramian = gramian.detach().to(torch.float64)
    inner, asr = gramian[..., 0, 1], gramian[..., 1, 1]
    applies = (inner < 0) & (asr > 0)
    removed = (inner / asr).masked_fill_(~applies, 0.0)
    weights = torch.stack([torch.ones_like(removed), 1 - removed], -1)
    return weights + (gramian * 0).sum((-2, -1)).unsqueeze(-1)


class OneWay(GradientMethod):
    """G_ASR and, without its part against G_ASR, G_SE."""

    def weigh(self, gramians: Tensor, names: list[str]) -> Tensor:
        """Return ``one_way_weights``."""
        return one_way_weights(gramians)
