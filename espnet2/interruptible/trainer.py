"""Upstream's Trainer; a crash or a scheduler costs it some minutes at most."""

import argparse
import logging
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

import torch

from espnet2.interruptible.averaging import right_averaging
from espnet2.interruptible.batch_norm_guard import BatchNormGuard
from espnet2.interruptible.checkpoints import whole_checkpoint, whole_saving
from espnet2.interruptible.epoch import (
    CheckpointedEpoch,
    InterruptibleOptions,
    stop_if_asked,
    stoppable_validation,
)
from espnet2.interruptible.finished import finish
from espnet2.interruptible.mid_epoch import (
    FILE_NAME,
    MidEpoch,
    Stateful,
    training_parts,
)
from espnet2.interruptible.progress import ProgressIterator, add_warning
from espnet2.interruptible.ranks import this_rank
from espnet2.interruptible.signals import remembering_stop_signals
from espnet2.train.reporter import Reporter, SubReporter
from espnet2.train.trainer import Trainer
from espnet2.utils.build_dataclass import build_dataclass

MANY_LEFT_OUT = 0.25  # share of an epoch's steps


class InterruptibleTrainer(Trainer):
    """Upstream's Trainer that can be stopped and gone on with at any optimizer step.

    What comes out is, bit for bit, what a training without a break gives: parameters,
    optimizer, statistics, data order and random numbers. Only the number of ranks and
    of loader workers must stay the same for that.
    """

    options_class: ClassVar[type[InterruptibleOptions]] = InterruptibleOptions

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options of checkpoints within an epoch to the command line."""
        group = parser.add_argument_group("Checkpoints within an epoch")
        group.add_argument(
            "--checkpoint_minutes",
            type=float,
            default=10.0,
            help=f"Minutes between two {FILE_NAME}, from which --resume true goes on",
        )
        group.add_argument(
            "--checkpoint_steps",
            type=int,
            default=None,
            help="Batches between two of them, if fewer than the minutes have",
        )

    @classmethod
    def build_options(cls, args: argparse.Namespace) -> InterruptibleOptions:
        """Return upstream's options and ours."""
        return build_dataclass(cls.options_class, args)

    @classmethod
    def run(cls, *, trainer_options: InterruptibleOptions, **kwargs) -> None:
        """Run upstream's training; its files are written whole or not at all.

        Where it has ended before, nothing is done; see ``finish``.

        SIGTERM and SIGUSR1 end it after the present step with exit code 75 and a
        ``mid_epoch.pth``, with which the same command goes on.
        """
        with whole_saving(), remembering_stop_signals(), right_averaging():
            if not finish(trainer_options):
                super().run(trainer_options=trainer_options, **kwargs)
            if this_rank() == 0:
                Path(trainer_options.output_dir, FILE_NAME).unlink(missing_ok=True)

    @staticmethod
    def resume(
        checkpoint: str | Path,
        model: torch.nn.Module,
        reporter: Reporter,
        **kwargs,
    ) -> None:
        """Resume as upstream does; a damaged checkpoint gives way to the one before.

        Raises:
            ValueError: both checkpoints are damaged.
        """
        whole = whole_checkpoint(Path(checkpoint))
        Trainer.resume(whole, model=model, reporter=reporter, **kwargs)

    @classmethod
    def train_one_epoch(
        cls,
        *,
        model: torch.nn.Module,
        iterator: Iterable,
        reporter: SubReporter,
        options: InterruptibleOptions,
        more_parts: Mapping[str, Stateful] | None = None,
        **kwargs,
    ) -> bool:
        """Run upstream's epoch, or the rest of it; return what upstream returns.

        ``more_parts`` is what else is saved and restored in the middle, by name; the
        other arguments are upstream's.
        """
        parts = {**training_parts(model, **kwargs), **(more_parts or {})}
        mid_epoch = MidEpoch(Path(options.output_dir, FILE_NAME), reporter, parts)
        position = mid_epoch.load(options.resume)
        if this_rank() == 0:
            epochs = options.max_epoch
            iterator = ProgressIterator(iterator, options.output_dir, reporter, epochs)
        epoch = CheckpointedEpoch(iterator, mid_epoch, position, options)
        all_steps_are_invalid = super().train_one_epoch(
            model=model,
            iterator=BatchNormGuard(epoch, model),
            reporter=reporter,
            options=options,
            **kwargs,
        )
        _tell_left_out(reporter, options)
        # The validation may take long: what it begins with is kept.
        mid_epoch.save(reporter.count, complete=True)
        stop_if_asked("before the validation", options)
        return all_steps_are_invalid and "grad_norm" not in reporter.stats

    @classmethod
    def validate_one_epoch(
        cls, *, iterator: Iterable, options: InterruptibleOptions, **kwargs
    ) -> None:
        """Run upstream's validation; a stop signal ends it, and it is made again."""
        epoch = stoppable_validation(iterator, options)
        super().validate_one_epoch(iterator=epoch, options=options, **kwargs)


def _tell_left_out(reporter: SubReporter, options: InterruptibleOptions) -> None:
    """Log how many of the epoch's steps upstream has skipped, if any.

    Many of them are shown on the screen, too.

    Raises:
        RuntimeError: all were skipped.
    """
    norms = [float(value.value) for value in reporter.stats.get("grad_norm", [])]
    steps = reporter.count // options.accum_grad
    left_out = steps - sum(map(math.isfinite, norms))
    if not left_out:
        return
    text = (
        f"{left_out} of the {steps} steps of epoch {reporter.get_epoch()} were left "
        "out, because their gradient was not finite"
    )
    if left_out == steps:
        raise RuntimeError(
            f"{text}: nothing is learnt. Look for NaN or Inf in the data, and try a "
            "smaller learning rate, or training without mixed precision"
        )
    logging.warning(text)
    if left_out > MANY_LEFT_OUT * steps and this_rank() == 0:
        add_warning(options.output_dir, text)
