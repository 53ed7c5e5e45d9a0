"""Average named gradients over the ranks of a distributed run."""

import torch
import torch.distributed as dist
from torch import Tensor


def average_over_ranks(
    gradients: dict[str, Tensor],
    parameters: dict[str, Tensor],
    share: Tensor,
) -> dict[str, Tensor]:
    """Return sum over ranks of share * gradient, the same on every rank.

    A rank whose loss did not reach a parameter contributes zeros, so that ranks with
    and without an SE loss never wait for each other. A parameter that no rank reaches
    has no entry. One small collective tells which are reached, one flat collective for
    each dtype moves the gradients.

    Args:
        gradients: this rank's gradients by parameter name.
        parameters: all trainable parameters by name, the same on every rank.
        share: 0-dim, this rank's part of the global batch; the shares sum to 1.
    """
    present = torch.tensor(
        [name in gradients for name in parameters], dtype=torch.int32
    ).to(share.device)
    dist.all_reduce(present, dist.ReduceOp.MAX)
    reached = [
        name for name, flag in zip(parameters, present.tolist(), strict=True) if flag
    ]
    averaged: dict[str, Tensor] = {}
    for dtype in sorted({parameters[name].dtype for name in reached}, key=str):
        names = [name for name in reached if parameters[name].dtype == dtype]
        flat = torch.cat(
            [
                gradients[name].flatten()
                if name in gradients
                else torch.zeros_like(parameters[name]).flatten()
                for name in names
            ]
        )
        flat *= share.to(dtype)
        dist.all_reduce(flat)
        pieces = flat.split([parameters[name].numel() for name in names])
        for name, piece in zip(names, pieces, strict=True):
            averaged[name] = piece.view_as(parameters[name])
    return averaged
