"""What a task adds for trainings that may be stopped at any time."""

import argparse
import contextlib
import datetime
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Sequence

import numpy as np
import torch
import torch.distributed as dist
from torch.multiprocessing import ProcessExitedException

from espnet2.interruptible.config_changes import check_config_changes
from espnet2.interruptible.cpu_ranks import train_in_ranks, wants_cpu_ranks
from espnet2.interruptible.signals import STOPPED, remembering_stop_signals
from espnet2.interruptible.trainer import InterruptibleTrainer
from espnet2.plain_data import PLAIN_LOADING
from espnet2.utils.types import str2bool


class InterruptibleTask:
    """To be put before one of upstream's tasks: uses the interruptible trainer.

    A training is not gone on with by accident under another configuration.
    The program ends with exit code 75 where a signal stopped the training, also if it
    is several processes. Whatever upstream loads (checkpoints, ``--init_param``) is
    read as plain data, unless the user has set ``TORCH_FORCE_WEIGHTS_ONLY_LOAD=0``.
    """

    trainer = InterruptibleTrainer

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add upstream's options and ours."""
        super().add_task_arguments(parser)
        group = parser.add_argument_group("Going on")
        group.add_argument(
            "--allow_config_changes",
            type=str2bool,
            default=False,
            help="Go on with a training although its configuration was another",
        )
        parser.add_argument_group("Ranks").add_argument(
            "--cpu_ranks",
            type=int,
            default=1,
            help="Processes that share each batch where there is no GPU",
        )

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> torch.nn.Module:
        """Return upstream's model.

        Raises:
            ValueError: ``output_dir`` holds a training with another configuration.
        """
        model = super().build_model(args)
        # Here, since upstream writes config.yaml after this has changed its arguments.
        is_first_rank = getattr(args, "dist_rank", None) in (None, 0)
        if is_first_rank and not getattr(args, "collect_stats", True):
            check_config_changes(args)
        return model

    @classmethod
    def main(
        cls,
        args: argparse.Namespace | None = None,
        cmd: Sequence[str] | None = None,
    ) -> None:
        """Run upstream's main."""
        if args is None:
            args = cls.get_parser().parse_args(cmd)
        os.environ.setdefault(PLAIN_LOADING, "1")
        args.dist_init_method = after_restart(args.dist_init_method)
        # Statistics have no steps between which they could be stopped.
        trains = not getattr(args, "collect_stats", False)
        try:
            with remembering_stop_signals() if trains else contextlib.nullcontext():
                super().main(args=args)
        except ProcessExitedException as error:
            if error.exit_code != STOPPED:
                raise
            sys.exit(STOPPED)

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Run upstream's training in this process, or in ``cpu_ranks`` of its own.

        Raises:
            ValueError: a file to be loaded may run code.
        """
        if wants_cpu_ranks(args):
            train_in_ranks(cls.main_worker, args)
            return
        torch.serialization.add_safe_globals(plain_globals())
        try:
            super().main_worker(args)
        except SystemExit:
            # All ranks stop together. A group that is left open may still have
            # threads at work when the interpreter goes.
            if dist.is_initialized():
                dist.destroy_process_group()
            raise
        except pickle.UnpicklingError as error:
            raise ValueError(
                "a checkpoint or a file of --init_param holds more than plain data and "
                "may run code when it is loaded; if you trust its source, set "
                f"{PLAIN_LOADING}=0\n{error}"
            ) from None
        finally:
            _end_loaders()


def _end_loaders() -> None:
    """Kill the loaders' workers, which are still there after an error.

    They never get SIGTERM, by which Python would end them before it exits: it would
    wait forever. PyTorch's handler of their death would hide the error.
    """
    workers = [child for child in multiprocessing.active_children() if child.daemon]
    if workers:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for worker in workers:
        worker.kill()


def plain_globals() -> list:
    """Return what upstream's reporter puts into checkpoints besides plain numbers."""
    scalar = np.float64(0).__reduce__()[0]
    modules = ("numpy._core.multiarray", "numpy.core.multiarray")  # NumPy 2 and 1
    dtypes = [type(np.dtype(name)) for name in ("float32", "float64", "int64")]
    return [
        *(datetime.timedelta, np.dtype, *dtypes),
        *((scalar, f"{module}.scalar") for module in modules),
    ]


def after_restart(dist_init_method: str) -> str:
    """Return a meeting file of its own for each time that Slurm requeued the job.

    The processes of the time before may have left their file behind, which would keep
    the new ones from meeting.
    """
    restarts = os.environ.get("SLURM_RESTART_COUNT", "0")
    if restarts == "0" or not dist_init_method.startswith("file://"):
        return dist_init_method
    return f"{dist_init_method}.{restarts}"
