"""Measure what the gradient surgery costs, beside what it must cost.

usage: bench_gradient_remedy.py [--device cpu|cuda] [--network authors|mini|both]
                                [--threads N] [--json FILE]

README.md in this folder says what the figures mean.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
from collective_figures import collective_figures
from figure_table import Figures, commit, machine, print_table
from log_figures import log_figures
from networks import AUTHORS_CONFIG, build_network, mini_config, noise_batch
from rnn_figures import rnn_figures
from step_figures import step_figures
from surgery_figures import surgery_figures


class Workload(NamedTuple):
    """The size of a batch, and how often each case is repeated."""

    utterances: int
    seconds: float
    surgery_rounds: int
    step_rounds: int
    rnn_rounds: int


VOCABULARY = {"authors": 1000, "mini": 150}
WORKLOADS = {
    ("authors", "cpu"): Workload(4, 3.0, 15, 10, 5),
    ("authors", "cuda"): Workload(16, 6.0, 50, 30, 20),
    ("mini", "cpu"): Workload(8, 3.0, 100, 30, 20),
    ("mini", "cuda"): Workload(8, 3.0, 100, 50, 50),
}


def measure_network(name: str, device: torch.device) -> Figures:
    """Return all figures of one network."""
    work = WORKLOADS[name, device.type]
    config = AUTHORS_CONFIG if name == "authors" else mini_config()
    network = build_network(config, VOCABULARY[name], device)
    batch = noise_batch(work.utterances, work.seconds, VOCABULARY[name], device)
    short = noise_batch(1, 1.0, VOCABULARY[name], device)
    figures: Figures = {
        "se_parameters": sum(p.numel() for p in network.shared),
        "all_parameters": sum(p.numel() for p in network.parameters.values()),
    }
    stages = {
        "surgery": lambda: surgery_figures(network, batch, work.surgery_rounds),
        "training steps": lambda: step_figures(network, batch, work.step_rounds),
        "gradient log": lambda: log_figures(network, work.surgery_rounds),
        "collectives": lambda: collective_figures(network, short),
        "recurrent network": lambda: rnn_figures(network, batch, work.rnn_rounds),
    }
    for stage, measure in stages.items():
        print(f"{name}: {stage} ...", file=sys.stderr, flush=True)
        start = time.perf_counter()
        figures.update(measure())
        if stage == "gradient log":
            figures["log_over_step"] = figures["log_ms"] / figures["stock_step_ms"]
        took = time.perf_counter() - start
        print(f"{name}: {stage}: {took:.0f} s", file=sys.stderr, flush=True)
    return figures


def main() -> None:
    """Measure, print the table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=["cpu", "cuda"], default=default)
    parser.add_argument(
        "--network", choices=["authors", "mini", "both"], default="both"
    )
    parser.add_argument("--threads", type=int, help="of the CPU; default: torch's own")
    parser.add_argument("--json", type=Path, help="where the figures are written too")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch finds no CUDA device; use --device cpu")
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    names = list(VOCABULARY) if args.network == "both" else [args.network]
    networks = {name: measure_network(name, device) for name in names}
    where, version = machine(device), commit()
    print_table(networks, where, version)
    if args.json is not None:
        result = {"machine": where, "commit": version, "networks": networks}
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
