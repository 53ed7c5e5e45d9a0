"""An epoch's batches, with checkpoints between them and an end where one is wanted."""

import collections
import dataclasses
import itertools
import logging
import math
import time
from collections.abc import Iterable, Iterator

from espnet2.interruptible.mid_epoch import MidEpoch
from espnet2.interruptible.random_states import set_random_states
from espnet2.interruptible.ranks import any_rank
from espnet2.interruptible.signals import STOPPED, shielded, stop_signal
from espnet2.train.trainer import TrainerOptions


@dataclasses.dataclass
class InterruptibleOptions(TrainerOptions):
    """Upstream's options and those of the checkpoints within an epoch, None for none.

    Attributes:
        checkpoint_minutes: between two checkpoints.
        checkpoint_steps: batches between two checkpoints.
    """

    checkpoint_minutes: float | None
    checkpoint_steps: int | None


@dataclasses.dataclass
class CheckpointedEpoch:
    """Pass batches on; between two optimizer steps write checkpoints, or stop.

    The batches before the checkpoint's position are read and dropped, so that the
    data order and the random states of the readers are those of an epoch without a
    break; then the process's own random states are restored.

    Attributes:
        iterator: the epoch's batches, from its beginning.
        mid_epoch: what writes the checkpoints.
        position: where to go on, as ``MidEpoch.load`` returns it.
        options: the trainer's.
    """

    iterator: Iterable
    mid_epoch: MidEpoch
    position: dict
    options: InterruptibleOptions

    def __len__(self) -> int:
        return len(self.iterator)

    def __iter__(self) -> Iterator:
        limits = (self.options.checkpoint_minutes, self.options.checkpoint_steps)
        minutes, steps = (math.inf if limit is None else limit for limit in limits)
        start = self.position["step"]
        saved_step, saved_time = start, time.monotonic()
        for step, batch in enumerate(self._from(start), start + 1):
            yield batch
            if step % self.options.accum_grad:
                continue
            is_due = (
                step - saved_step >= steps
                or time.monotonic() - saved_time >= minutes * 60
                or stop_signal() is not None
            )
            if any_rank(is_due, _device(self.options)):
                self.mid_epoch.save(step)
                stop_if_asked(f"after {step} batches of the epoch", self.options)
                saved_step, saved_time = step, time.monotonic()

    def _from(self, start: int) -> Iterator:
        """Return the batches after the first ``start``."""
        iterator = shielded(() if self.position["complete"] else self.iterator)
        collections.deque(itertools.islice(iterator, start), maxlen=0)
        if self.position["random"] is not None:
            set_random_states(self.position["random"])
        yield from iterator


def stoppable_validation(iterator: Iterable, options: TrainerOptions) -> Iterator:
    """Pass batches on until a signal asks for the end."""
    for batch in shielded(iterator):
        yield batch
        stop_if_asked("in the validation", options)


def stop_if_asked(where: str, options: TrainerOptions) -> None:
    """End the training with code ``STOPPED`` if a signal asked any rank for it."""
    if any_rank(stop_signal() is not None, _device(options)):
        name = stop_signal() or "a signal to another rank"
        logging.warning(f"{name}: stopped {where}; the same command goes on from there")
        raise SystemExit(STOPPED)


def _device(options: TrainerOptions) -> str:
    return "cuda" if options.ngpu > 0 else "cpu"
