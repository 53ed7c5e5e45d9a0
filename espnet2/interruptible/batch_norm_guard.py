"""What batch normalisation remembers stays finite, whatever is in a batch."""

import logging
from collections.abc import Iterable, Iterator

import torch
from torch.nn.modules.batchnorm import _BatchNorm


class BatchNormGuard:
    """Pass an epoch's batches on; undo what one with NaN or infinity did to the means.

    Upstream leaves a step out whose gradient is not finite, but its forward pass has
    changed the running means and variances by then: one NaN in them stays, and makes
    every validation and the model that is kept NaN. Here they get back the values that
    they had before the batch.

    Args:
        iterator: the batches of one epoch.
        model: whose batch normalisation is looked after, each time a batch was used.
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
        finite = self._flat()
        for batch in self.iterator:
            yield batch
            flat = self._flat()
            if flat.isfinite().all():
                finite = flat
            else:
                self._restore(finite)
                logging.warning(
                    "A batch has left values that are not finite in the statistics of "
                    "batch normalisation; they are as before it"
                )

    def _flat(self) -> torch.Tensor:
        """Return a copy of all statistics in one vector."""
        return torch.cat([s.flatten() for s in self.statistics])

    def _restore(self, flat: torch.Tensor) -> None:
        sizes = [statistic.numel() for statistic in self.statistics]
        for statistic, values in zip(self.statistics, flat.split(sizes), strict=True):
            statistic.copy_(values.view_as(statistic))


def running_statistics(model: torch.nn.Module) -> list[torch.Tensor]:
    """Return the running means and variances of a model, none where it has none."""
    norms = (m for m in model.modules() if isinstance(m, _BatchNorm))
    pairs = ((norm.running_mean, norm.running_var) for norm in norms)
    return [statistic for pair in pairs for statistic in pair if statistic is not None]
