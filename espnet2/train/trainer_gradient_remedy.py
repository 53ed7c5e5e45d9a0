"""Trainer for joint SE and ASR models that decides how two gradients meet."""

import argparse
import dataclasses
from collections.abc import Iterable, Sequence

import torch

from espnet2.schedulers.abs_scheduler import AbsScheduler
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.gradient_options import (
    METHODS,
    GradientConf,
    resolve_gradient_conf,
)
from espnet2.train.progress import ProgressIterator
from espnet2.train.reporter import SubReporter
from espnet2.train.trainer import Trainer, TrainerOptions
from espnet2.train.two_gradient_module import TwoGradientModule
from espnet2.utils.nested_dict_action import NestedDictAction


@dataclasses.dataclass
class GradientRemedyOptions(TrainerOptions):
    """Upstream's options and those of the gradient method."""

    gradient_method: str
    gradient_conf: dict
    shared_params: list[str]


class GradientRemedyTrainer(Trainer):
    """Upstream's Trainer, fed with the combined gradient of two losses.

    ``gradient_method: sum`` gives the parameters that upstream's Trainer gives on the
    same model, data and seed.
    """

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options of the gradient method to the command line."""
        group = parser.add_argument_group("Gradient method")
        group.add_argument(
            "--gradient_method",
            choices=METHODS,
            default="remedy",
            help="How the SE and the ASR gradient of shared parameters are combined",
        )
        group.add_argument(
            "--gradient_conf",
            action=NestedDictAction,
            default=dataclasses.asdict(GradientConf()),
            help="threshold, max_stretch, projection, rescale, granularity",
        )
        group.add_argument(
            "--shared_params",
            nargs="+",
            default=["enh_model"],
            help="Name prefixes of the parameters that both losses train",
        )

    @classmethod
    def build_options(cls, args: argparse.Namespace) -> GradientRemedyOptions:
        """Return upstream's options and ours."""
        upstream = vars(super().build_options(args))
        return GradientRemedyOptions(
            **upstream,
            gradient_method=args.gradient_method,
            gradient_conf=args.gradient_conf,
            shared_params=args.shared_params,
        )

    @classmethod
    def train_one_epoch(
        cls,
        model: torch.nn.Module,
        iterator: Iterable,
        optimizers: Sequence[torch.optim.Optimizer],
        schedulers: Sequence[AbsScheduler | None],
        scaler: torch.amp.GradScaler | None,
        reporter: SubReporter,
        summary_writer,
        options: GradientRemedyOptions,
        distributed_option: DistributedOption,
    ) -> bool:
        """Run upstream's epoch on the two-gradient module; return what it returns.

        Raises:
            ValueError: ``gradient_conf`` or ``shared_params`` is wrong.
        """
        module = TwoGradientModule(
            model,
            options.gradient_method,
            resolve_gradient_conf(options.gradient_conf),
            options.shared_params,
            options.accum_grad,
            scaler,
        )
        if not distributed_option.distributed or distributed_option.dist_rank == 0:
            iterator = ProgressIterator(
                iterator, module, options.output_dir, reporter, options.max_epoch
            )
        return super().train_one_epoch(
            model=module,
            iterator=iterator,
            optimizers=optimizers,
            schedulers=schedulers,
            scaler=scaler,
            reporter=reporter,
            summary_writer=summary_writer,
            options=options,
            distributed_option=distributed_option,
        )
