"""What a training is in the middle of an epoch, written so that it can go on there."""

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
import torch.distributed as dist

from espnet2.interruptible.checkpoints import is_whole, whole_saving
from espnet2.interruptible.random_states import random_states
from espnet2.interruptible.ranks import of_all_ranks, this_rank
from espnet2.schedulers.abs_scheduler import AbsScheduler
from espnet2.train.reporter import SubReporter, WeightedAverage, to_reported_value

FILE_NAME = "mid_epoch.pth"


class Stateful(Protocol):
    """What can be saved and restored; torch's own Stateful loads for a second."""

    def state_dict(self) -> dict:
        """Return the state."""

    def load_state_dict(self, state_dict: dict) -> object:
        """Take a state over."""


@dataclasses.dataclass
class MidEpoch:
    """The file ``mid_epoch.pth`` of an experiment, for one epoch.

    Its keys are ``epoch``; ``step``, the number of batches that were used;
    ``complete``, whether those were all; ``reporter``, the epoch's statistics so far;
    ``random``, the generators' states of each rank; and ``parts``, the states of the
    model, the optimizers, the schedulers, the scaler and of what a trainer adds. It
    holds plain data and tensors: ``torch.load`` reads it with ``weights_only=True``.
    """

    path: Path
    reporter: SubReporter
    parts: Mapping[str, Stateful]

    def save(self, step: int, complete: bool = False) -> None:
        """Write the file, on the first rank; to be called on all of them.

        A file that cannot be written is reported, and training goes on without it.
        """
        randoms = of_all_ranks(random_states())
        if this_rank() == 0:
            state = {
                "epoch": self.reporter.get_epoch(),
                "step": step,
                "complete": complete,
                "reporter": _reporter_state(self.reporter),
                "random": randoms,
                "parts": {name: part.state_dict() for name, part in self.parts.items()},
            }
            try:
                with whole_saving():
                    torch.save(state, self.path)
            except (OSError, RuntimeError) as error:
                logging.warning(f"{self.path} was not written, going on: {error}")
        if dist.is_initialized():
            dist.barrier()

    def load(self, resume: bool) -> dict:
        """Take over the file's state if it is of this epoch, otherwise remove it.

        Returns:
            ``step``, ``complete`` and ``random`` (of this rank; None if it had none);
            0, False and None where there is nothing to take over.

        Raises:
            RuntimeError: only some of the ranks have read the file.
        """
        state = self._read() if resume else None
        step = 0 if state is None else state["step"]
        steps = of_all_ranks(step)
        if len(set(steps)) > 1:
            raise RuntimeError(
                f"{self.path}: the ranks do not read the same (steps {steps}); the "
                "experiment's folder must be on a file system that they share"
            )
        if state is None:
            if this_rank() == 0:
                self.path.unlink(missing_ok=True)
            return {"step": 0, "complete": False, "random": None}
        for name in self.parts.keys() & state["parts"].keys():
            self.parts[name].load_state_dict(state["parts"][name])
        _restore_reporter(self.reporter, state["reporter"])
        mine = dict(enumerate(state["random"])).get(this_rank())
        logging.info(f"Going on in epoch {state['epoch']} after {step} batches")
        return {"step": step, "complete": state["complete"], "random": mine}

    def _read(self) -> dict | None:
        if not self.path.exists():
            return None
        if not is_whole(self.path):
            logging.warning(f"{self.path} is damaged: the epoch begins anew")
            return None
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        return state if state["epoch"] == self.reporter.get_epoch() else None


def training_parts(
    model: torch.nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    schedulers: Sequence[AbsScheduler | None],
    scaler: torch.amp.GradScaler | None,
    **_others,
) -> dict[str, Stateful]:
    """Return what every training saves, by name; the model without its wrappers.

    Of the arguments of upstream's ``train_one_epoch`` it takes what has a state.
    """
    while isinstance(getattr(model, "module", None), torch.nn.Module):
        model = model.module
    parts: dict[str, Stateful] = {"model": model}
    for name, group in (("optimizer", optimizers), ("scheduler", schedulers)):
        parts |= {f"{name}{n}": p for n, p in enumerate(group) if p is not None}
    if scaler is not None:
        parts["scaler"] = scaler
    return parts


def _reporter_state(reporter: SubReporter) -> dict:
    stats = {}
    for key, values in reporter.stats.items():
        weighted = isinstance(values[0], WeightedAverage)
        weights = [value.weight for value in values] if weighted else None
        stats[key] = ([value.value for value in values], weights)
    counts = {"total_count": reporter.total_count, "count": reporter.count}
    return {**counts, "stats": stats}


def _restore_reporter(reporter: SubReporter, state: dict) -> None:
    reporter.total_count, reporter.count = state["total_count"], state["count"]
    reporter.stats = defaultdict(list)
    for key, (values, weights) in state["stats"].items():
        weights = weights or [None] * len(values)
        reporter.stats[key] = list(map(to_reported_value, values, weights))
