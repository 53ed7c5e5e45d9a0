"""Trainer for joint SE and ASR models that decides how two gradients meet."""

import argparse
import dataclasses
import logging
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from espnet2.interruptible.epoch import InterruptibleOptions
from espnet2.interruptible.ranks import this_rank
from espnet2.interruptible.trainer import InterruptibleTrainer
from espnet2.train.gradient_decision import statistics
from espnet2.train.gradient_histograms import write_histograms
from espnet2.train.gradient_log import GradientLog
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_methods import METHODS, make_method
from espnet2.train.gradient_options import GradientConf, resolve_gradient_conf
from espnet2.train.method_state import kept_method
from espnet2.train.reporter import SubReporter
from espnet2.train.trained_batches import TrainedBatches
from espnet2.train.trainer import TrainerOptions
from espnet2.train.two_gradient_module import TwoGradientModule
from espnet2.upstream_versions import option
from espnet2.utils.nested_dict_action import NestedDictAction


@dataclasses.dataclass
class GradientRemedyOptions(InterruptibleOptions):
    """The trainer's options and those of the gradient method."""

    gradient_method: str
    gradient_conf: dict
    shared_params: list[str]


def check_averaging(options: TrainerOptions | argparse.Namespace) -> None:
    """Raise ValueError for options under which the two gradients cannot be told apart.

    They average the sum of both losses' gradients by themselves, or would have to.
    """
    for key in ("sharded_ddp", "ddp_comm_hook"):
        if found := option(options, key):
            raise ValueError(
                f"{key}: {found}: averages the sum of the two losses' "
                "gradients over the ranks; leave it out with gradient_method"
            )


class GradientRemedyTrainer(InterruptibleTrainer):
    """Upstream's Trainer, fed with the combined gradient of two losses.

    ``gradient_method: sum`` gives the parameters that upstream's Trainer gives on the
    same model, data and seed.
    """

    options_class = GradientRemedyOptions

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options of the gradient method to the command line."""
        super().add_arguments(parser)
        group = parser.add_argument_group("Gradient method")
        group.add_argument(
            "--gradient_method",
            default="remedy",
            help="How the SE and the ASR gradient of shared parameters are combined: "
            f"{', '.join(METHODS)}, or the path of a torchjd weighting class",
        )
        group.add_argument(
            "--gradient_conf",
            action=NestedDictAction,
            default=dataclasses.asdict(GradientConf()),
            help=", ".join(field.name for field in dataclasses.fields(GradientConf)),
        )
        group.add_argument(
            "--shared_params",
            nargs="+",
            default=["enh_model"],
            help="Name prefixes of the parameters that both losses train",
        )

    @classmethod
    def train_one_epoch(
        cls,
        *,
        model: torch.nn.Module,
        iterator: Iterable,
        optimizers: Sequence[torch.optim.Optimizer],
        reporter: SubReporter,
        options: GradientRemedyOptions,
        **kwargs,
    ) -> bool:
        """Run upstream's epoch on the two-gradient module; return what it returns.

        What does not fill an accumulation window at the epoch's end is left out.
        Upstream would add it to the next epoch's first step, and lose it where training
        is resumed between the two.

        Raises:
            ValueError: ``gradient_method``, ``gradient_conf`` or ``shared_params`` is
                wrong, or training is sharded.
        """
        check_averaging(options)
        method = kept_method(optimizers[0], _new_method(options))
        log = GradientLog(options.output_dir, reporter.get_epoch())

        def report(names: list[str], values: np.ndarray) -> None:
            reporter.register(statistics(values))
            log.add(names, values)

        accum_grad, scaler = options.accum_grad, kwargs["scaler"]
        module = TwoGradientModule(
            model, method, options.shared_params, accum_grad, scaler, report
        )
        _zero_grad(optimizers)
        batches = TrainedBatches(iterator, model, options.ngpu)
        all_steps_are_invalid = super().train_one_epoch(
            model=module,
            iterator=batches,
            optimizers=optimizers,
            reporter=reporter,
            options=options,
            more_parts={"gradient_log": log},
            **kwargs,
        )
        if this_rank() == 0:
            log.save()
            writer = kwargs["summary_writer"]
            write_histograms(log, reporter.get_epoch(), writer, options.use_wandb)
        batches.tell()
        _tell_left_out(module.calls % accum_grad, accum_grad)
        return all_steps_are_invalid


def _zero_grad(optimizers: Sequence[torch.optim.Optimizer]) -> None:
    for optimizer in optimizers:
        optimizer.zero_grad()


def _new_method(options: GradientRemedyOptions) -> GradientMethod:
    conf = resolve_gradient_conf(options.gradient_conf)
    return make_method(options.gradient_method, conf, options.seed)


def _tell_left_out(batches: int, accum_grad: int) -> None:
    if batches:
        logging.info(
            f"The epoch's last {batches} batches do not fill accum_grad: {accum_grad} "
            "and were left out"
        )
