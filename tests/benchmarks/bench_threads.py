"""Measure what a training step on the CPU costs where other work wants the cores, too.

usage: bench_threads.py [--seconds 20]

Trainings of mini_radio's network run alone, two side by side, and beside a program for
each core that only computes: with threads on all cores that wait in several ways,
and with one thread.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from itertools import product

SETTINGS = {  # environment of a training; GNU's OpenMP, which PyTorch brings, reads it
    "all cores, threads spin": {"OMP_WAIT_POLICY": "active"},
    "all cores, as OpenMP decides": {},
    "all cores, threads sleep": {"OMP_WAIT_POLICY": "passive"},  # the recipes
    "one thread": {"OMP_NUM_THREADS": "1"},
}
OPENMP = ("OMP_", "GOMP_")  # how its variables begin
LOADS = {  # trainings at a time, other programs
    "alone": (1, False),
    "two side by side": (2, False),
    "beside other work": (1, True),
}
BUSY = "while True: sum(range(10**6))"
WARM_UP = 3  # steps


def seconds_per_step(duration: float) -> float:
    """Return the mean time of a training step within some seconds."""
    import torch
    from networks import build_network, mini_config, noise_batch
    from step_figures import one_step

    from espnet2.train.two_gradient_module import TwoGradientModule

    device = torch.device("cpu")
    network = build_network(mini_config(), 150, device)
    module = TwoGradientModule(network.model, network.method, network.shared_params)
    optimizer = torch.optim.Adam(network.model.parameters(), lr=1e-5)
    batch = noise_batch(8, 3.0, 150, device)
    for _ in range(WARM_UP):
        one_step(module, optimizer, batch)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() < start + duration:
        one_step(module, optimizer, batch)
        steps += 1
    return (time.perf_counter() - start) / steps


def measure(
    setting: dict[str, str], trainings: int, busy: bool, duration: float
) -> float:
    """Return the seconds of a step in a setting under a load."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(OPENMP)}
    env = plain | setting
    child = [sys.executable, __file__, "--child", "--seconds", str(duration)]
    others = [
        subprocess.Popen([sys.executable, "-c", BUSY])
        for _ in range(os.cpu_count() if busy else 0)
    ]
    started = [
        subprocess.Popen(child, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(trainings)
    ]
    times = [float(process.communicate()[0].split()[-1]) for process in started]
    for process in others:
        process.kill()
        process.wait()
    return statistics.mean(times)


def main() -> None:
    """Measure all settings under all loads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="of each training")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(seconds_per_step(args.seconds))
        return
    found = {}
    for (load, work), (name, setting) in product(LOADS.items(), SETTINGS.items()):
        found[name, load] = measure(setting, *work, args.seconds)
        print(f"{load}, {name}: {found[name, load]:.3f} s", file=sys.stderr, flush=True)
    print(f"| s a step | {' | '.join(LOADS)} |\n|---|{'---|' * len(LOADS)}")
    for name in SETTINGS:
        print(f"| {name} | {' | '.join(f'{found[name, x]:.3f}' for x in LOADS)} |")


if __name__ == "__main__":
    main()
