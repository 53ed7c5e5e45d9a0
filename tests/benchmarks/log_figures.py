"""What it costs to log a step's decisions."""

import tempfile

import torch
from measure import Case, interleaved_times
from networks import Network

from espnet2.train.gradient_decision import figures, statistics
from espnet2.train.gradient_log import GradientLog
from espnet2.train.gradient_remedy import remedy


def log_figures(network: Network, rounds: int) -> dict[str, float]:
    """Return the time to fetch, sum up and log the decisions on all shared tensors."""
    names = [name for group in network.groups.values() for name in group]
    device = network.shared[0].device
    vectors = torch.randn(len(names), 2, 3, device=device)
    decision = remedy(vectors @ vectors.mT)
    with tempfile.TemporaryDirectory() as folder:
        log = GradientLog(folder, 1)

        def add(_) -> None:
            values = figures(decision)
            statistics(values)
            log.add(names, values)

        times = interleaved_times({"log": Case(add, lambda: None)}, rounds, device)
    return {"log_ms": times.median["log"]}
