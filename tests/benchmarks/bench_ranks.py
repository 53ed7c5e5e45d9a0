"""Time steps of stock DDP beside ours on several ranks, and the two all-reduces alone.

usage: python -m torch.distributed.run --nproc_per_node N
           tests/benchmarks/bench_ranks.py [--network authors|mini] [--accum_grad N]
                                           [--rounds N] [--tf32]

One rank for each GPU, or for each process of a CPU; without clipping and optimizer.
What a step takes longer than on one rank it waits for the others. docs/scale.md says
what is expected.
"""

import argparse
import os
from collections.abc import Callable
from functools import partial

import torch
import torch.distributed as dist
from bench_gradient_remedy import VOCABULARY, WORKLOADS
from measure import Case, interleaved_times, peak_bytes
from networks import (
    AUTHORS_CONFIG,
    Network,
    build_network,
    forget_last_graph,
    mini_config,
    noise_batch,
)
from scale_parts import METHODS
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.two_gradient_module import TwoGradientModule


def window(
    model: torch.nn.Module,
    forward: Callable[..., dict],
    batch: dict[str, Tensor],
    accum_grad: int,
    _: object,
) -> None:
    """Run the forward and backward passes of a step, as upstream's loop does."""
    model.zero_grad()
    for _ in range(accum_grad):
        (forward(**batch)["loss"] / accum_grad).backward()


def rank_cases(
    network: Network, batch: dict[str, Tensor], accum_grad: int
) -> dict[str, Case]:
    """Return what is timed: steps by their name, then collectives."""
    device = network.shared[0].device
    ids = [device.index] if device.type == "cuda" else None
    ddp = DistributedDataParallel(network.model, device_ids=ids)
    forwards: dict[str, Callable[..., dict]] = {"stock DDP": ddp}
    for title, (name, options) in {"sum": ("sum", {}), **METHODS}.items():
        method = make_method(name, GradientConf(**options))
        forwards[title] = TwoGradientModule(
            ddp, method, network.shared_params, accum_grad
        )
    forget = partial(forget_last_graph, network.model)
    cases = {
        title: Case(partial(window, ddp, forward, batch, accum_grad), forget)
        for title, forward in forwards.items()
    }
    everything = list(network.parameters.values())
    for title, tensors in (("SE", network.shared), ("all", everything)):
        flat = torch.zeros(sum(p.numel() for p in tensors), device=device)
        cases[f"all-reduce, {title}"] = Case(lambda _, flat=flat: dist.all_reduce(flat))
    return cases


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=list(VOCABULARY), default="authors")
    parser.add_argument("--accum_grad", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tf32", action="store_true", help="as ESPnet's --use_tf32")
    return parser.parse_args()


def main() -> None:
    """Measure on all ranks; the first one prints."""
    args = parse()
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(kind, int(os.environ["LOCAL_RANK"]) if kind == "cuda" else 0)
    if kind == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = args.tf32  # cuDNN may by default
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    config = AUTHORS_CONFIG if args.network == "authors" else mini_config()
    vocabulary, work = VOCABULARY[args.network], WORKLOADS[args.network, kind]
    network = build_network(config, vocabulary, device)
    batch = noise_batch(work.utterances, work.seconds, vocabulary, device)
    cases = rank_cases(network, batch, args.accum_grad)
    times = interleaved_times(cases, args.rounds, device).median
    peaks = {title: peak_bytes(case, device) for title, case in cases.items()}
    if dist.get_rank() == 0:
        print(f"| {dist.get_world_size()} x {kind} | ms | peak GB besides |")
        print("|---|---|---|")
        for title, time in times.items():
            print(f"| {title} | {time:.2f} | {peaks[title] / 1e9:.3f} |")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
