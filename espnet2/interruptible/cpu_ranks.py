"""Several processes that share each batch of a training without a GPU.

A step of a small model is thousands of short calls, in which a second thread finds
little to do; a second process, with half of the batch, does
(tests/benchmarks/README.md).
"""

import argparse
import copy
from collections.abc import Callable

import torch
import torch.multiprocessing as mp

from espnet2.train.distributed_utils import free_port

Worker = Callable[[argparse.Namespace], None]


def wants_cpu_ranks(args: argparse.Namespace) -> bool:
    """Tell whether this process is to make others that train in its place."""
    if args.cpu_ranks < 2 or args.collect_stats:
        return False
    return args.ngpu == 0 and not args.distributed


def train_in_ranks(worker: Worker, args: argparse.Namespace) -> None:
    """Run ``worker`` in ``args.cpu_ranks`` processes, as upstream does for its GPUs.

    They share this process's threads, and are forked from it, so that they need not
    import PyTorch once more. ``worker`` is given what makes upstream's
    DistributedDataParallel of them.

    Raises:
        ProcessExitedException, ProcessRaisedException: one of them failed.
    """
    args = copy.copy(args)
    args.distributed, args.dist_backend = True, "gloo"
    args.dist_master_addr, args.dist_master_port = "localhost", free_port()
    args.dist_world_size = args.cpu_ranks
    threads = max(1, torch.get_num_threads() // args.cpu_ranks)
    mp.start_processes(
        _train, (worker, args, threads), args.cpu_ranks, start_method="fork"
    )


def _train(rank: int, worker: Worker, args: argparse.Namespace, threads: int) -> None:
    torch.set_num_threads(threads)
    args.dist_rank = args.local_rank = rank
    worker(args)
