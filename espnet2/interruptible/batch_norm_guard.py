"""What batch normalisation remembers stays finite, whatever is in a batch."""

import logging
from collections.abc import Iterable, Iterator

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parameters_to_vector


class BatchNormGuard:
    """Pass an epoch's batches on; undo what one with NaN or infinity did to the means.

    Upstream leaves a step out whose gradient is not finite, but its forward pass has
    changed the running means and variances by then: one NaN in them stays, and makes
    every validation and the model that is kept NaN. Here they get back the values that
    they had before the batch.

    The model is looked after each time a batch was used.
    """

    def __init__(self, iterator: Iterable, model: torch.nn.Module) -> None:
        self.iterator = iterator
        self.statistics = running_statistics(model)

    def __len__(self) -> int:
        return len(self.iterator)

    def __iter__(self) -> Iterator:
        if not self.statistics:
            yield from self.iterator
            return
        # One vector of all, so that a batch costs one check of one tensor.
        finite = parameters_to_vector(self.statistics)
        for batch in self.iterator:
            yield batch
            present = parameters_to_vector(self.statistics)
            if present.isfinite().all():
                finite = present
                continue
            sizes = [statistic.numel() for statistic in self.statistics]
            torch._foreach_copy_(self.statistics, finite.split(sizes))
            logging.warning(
                "A batch has left values that are not finite in the statistics of "
                "batch normalisation; they are as before it"
            )


def running_statistics(model: torch.nn.Module) -> list[torch.Tensor]:
    """Return the running means and variances of a model, none where it has none."""
    norms = (m for m in model.modules() if isinstance(m, _BatchNorm))
    pairs = ((norm.running_mean, norm.running_var) for norm in norms)
    return [statistic for pair in pairs for statistic in pair if statistic is not None]
