"""An epoch's batches without those that train nothing."""

import logging
from collections.abc import Iterable, Iterator

import torch

from espnet2.interruptible.ranks import any_rank


class TrainedBatches:
    """Pass on the batches that train something on some rank; count the others.

    A batch of clean speech goes round the SE module. Where the recogniser is frozen its
    loss has no gradient, and no step is made of it.

    Args:
        iterator: the epoch's batches, in upstream's form.
        model: says by ``trains_on(utt_id)``, if it has that, which it learns from; or
            it in DistributedDataParallel.
        ngpu: GPUs of this process, by which the ranks speak to each other.
    """

    def __init__(self, iterator: Iterable, model: torch.nn.Module, ngpu: int) -> None:
        model = getattr(model, "module", model)
        self.iterator = iterator
        self.trains_on = getattr(model, "trains_on", lambda utt_id: True)
        self.always = self.trains_on(["_CLEAN"])
        self.device = "cuda" if ngpu > 0 else "cpu"
        self.passed_over = 0

    def __len__(self) -> int:
        return len(self.iterator)

    def __iter__(self) -> Iterator:
        for utt_id, batch in self.iterator:
            if self.always or any_rank(self.trains_on(utt_id), self.device):
                yield utt_id, batch
            else:
                self.passed_over += 1

    def tell(self) -> None:
        """Log how many batches were passed over, if any."""
        if self.passed_over:
            logging.warning(
                f"{self.passed_over} batches of clean speech were passed over: they "
                "train the recogniser alone, which is frozen"
            )
