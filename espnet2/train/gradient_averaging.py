"""Sum named gradients over the ranks of a distributed run, in the background."""

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor

from espnet2.train.gradient_surgery import Gradients


def start_sum_over_ranks(
    gradients: Gradients, parameters: dict[str, Tensor]
) -> Callable[[], Gradients]:
    """Start to sum over the ranks; return what waits for the sums, the same on each.

    A rank whose loss did not reach a parameter contributes zeros, so that ranks with
    and without an SE loss never wait for each other. A parameter that no rank reaches
    has no entry. There is one collective for each dtype: it moves a flat buffer of all
    gradients, followed by one flag for each parameter that says whether it was reached.

    Args:
        gradients: this rank's gradients by parameter name, already weighed by its share
            of the batch.
        parameters: the parameters that may have one, the same on every rank.
    """
    pending = []
    for dtype in sorted({p.dtype for p in parameters.values()}, key=str):
        names = [name for name, p in parameters.items() if p.dtype == dtype]
        flat = _flatten(gradients, {name: parameters[name] for name in names})
        # The closure keeps the buffer alone: the gradients' memory is free at once.
        is_whole = all(name in gradients for name in names)
        work = dist.all_reduce(flat, async_op=True)
        pending.append((names, is_whole, flat, work))

    def wait() -> Gradients:
        sums: Gradients = {}
        for names, is_whole, flat, work in pending:
            work.wait()
            sizes = [parameters[name].numel() for name in names]
            *pieces, flags = flat.split([*sizes, len(names)])
            # Reading the flags waits for the device; seldom is there a need to.
            reached = [True] * len(names)
            if not is_whole:
                reached = (flags > 0).tolist()
            for name, piece, is_reached in zip(names, pieces, reached, strict=True):
                if is_reached:
                    sums[name] = piece.view_as(parameters[name])
        return sums

    return wait


def _flatten(gradients: Gradients, parameters: dict[str, Tensor]) -> Tensor:
    """Return all gradients in one buffer, zeros where there is none, then the flags."""
    present = [name in gradients for name in parameters]
    flags = next(iter(parameters.values())).new_ones(len(present))
    if not all(present):
        flags = torch.tensor(present).to(flags)
    missing = parameters.keys() - gradients.keys()
    zeros = {name: torch.zeros_like(parameters[name]) for name in missing}
    whole = {**gradients, **zeros}
    return torch.cat([*(whole[name].flatten() for name in parameters), flags])
