"""Processes for the ranks of a training, which need not import ESPnet one by one."""

from collections.abc import Callable

import torch.multiprocessing as mp


def start_ranks(target: Callable, arguments: tuple, ranks: int) -> None:
    """Run ``target(rank, *arguments)`` in a process for each rank, and wait for them.

    They are forked from a process that has imported the task, and nothing else of this.
    """
    mp.get_context("forkserver").set_forkserver_preload(
        ["espnet2.tasks.gradient_remedy"]
    )
    mp.start_processes(target, arguments, nprocs=ranks, start_method="forkserver")
