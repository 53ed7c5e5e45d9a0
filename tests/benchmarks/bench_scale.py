"""Print docs/scale.md's tables: the authors' network on 1, 8 and 64 GPUs, on paper.

usage: bench_scale.py [--tflops N] [--tf32_tflops N] [--gb_per_s N] [--operation_us N]
                      [--bus_gb_per_s EIGHT SIXTY_FOUR SIXTY_FOUR_SLOW]

What a step consists of is counted on this machine in half a minute; what a GPU and a
network do in which time is assumed. Nothing here is measured on a GPU.
"""

import argparse

from scale_model import GPU, Fabric, Parts, Step, bandwidth_for, our_step, stock_step
from scale_parts import METHODS, count_parts

BUCKETS = 13  # DDP's collectives in a backward pass, measured: README.md
FABRICS = [
    Fabric("1 GPU", 1, 1, 0.0),
    Fabric("8, NVLink", 8, 1, 370.0),
    Fabric("64, 8 x 400 Gb/s", 64, 8, 370.0),
    Fabric("64, 1 x 200 Gb/s", 64, 8, 23.0),
]
SHARE = 0.05
ROWS = ["stock DDP", "sum", *METHODS]


def step(row: str, parts: Parts, gpu: GPU, fabric: Fabric, accum: int) -> Step:
    """Return the step of one row of the table."""
    if row == "stock DDP":
        return stock_step(parts, gpu, fabric, accum, BUCKETS)
    return our_step(parts, gpu, fabric, accum, row if row in METHODS else None)


def print_parts(parts: Parts) -> None:
    """Print what was counted."""
    print("| counted | operations | GFLOP | MB |")
    print("|---|---|---|---|")
    for title, (operations, flop) in {
        "forward pass": parts.forward,
        "SE backward pass": parts.se_backward,
        "ASR backward pass, or that of the sum": parts.asr_backward,
    }.items():
        print(f"| {title} | {operations} | {flop / 1e9:.0f} | |")
    for title, (operations, n_bytes) in parts.surgery.items():
        print(f"| surgery, {title} | {operations} | | {n_bytes / 1e6:.0f} moved |")
    for title, n_bytes in {
        "all gradients": parts.all_bytes,
        "SE gradients": parts.se_bytes,
        "those of the BLSTM": parts.rnn_bytes,
        "kept for the backward passes": parts.kept_bytes,
    }.items():
        print(f"| {title} | | | {n_bytes / 1e6:.0f} |")


def print_steps(parts: Parts, gpu: GPU, fabrics: list[Fabric]) -> None:
    """Print computing + exposed collectives, in ms, and the latter's share."""
    titles = " | ".join(fabric.title for fabric in fabrics)
    print(f"\n| arithmetic, `accum_grad` | step | {titles} |")
    print("|---|---|" + "---|" * len(fabrics))
    fast = gpu._replace(tflops=gpu.tf32_tflops)
    for title, kind, accum in (
        ("float32, 1", gpu, 1),
        ("float32, 4", gpu, 4),
        ("TF32, 1", fast, 1),
    ):
        for row in ROWS:
            found = [step(row, parts, kind, fabric, accum) for fabric in fabrics]
            print(f"| {title} | {row} | {' | '.join(map(_cell, found))} |")


def _cell(found: Step) -> str:
    share = found.exposed / sum(found)
    return f"{found.compute:.0f} + {found.exposed:.1f} ({share:.0%})"


def print_thresholds(parts: Parts, gpu: GPU, fabrics: list[Fabric]) -> None:
    """Print the bus bandwidth at which our exposed all-reduce is 5 % of a step."""
    print("\n| GPUs | float32, 1 | float32, 4 | TF32, 1 | TF32, 4 |")
    print("|---|---|---|---|---|")
    fast = gpu._replace(tflops=gpu.tf32_tflops)
    for fabric in fabrics[1:3]:
        found = [
            bandwidth_for(
                SHARE,
                step("remedy", parts, kind, fabric, accum).compute,
                parts.all_bytes,
                fabric,
            )
            for kind in (gpu, fast)
            for accum in (1, 4)
        ]
        cells = " | ".join(f"{value:.0f}" for value in found)
        print(f"| {fabric.ranks} | {cells} |")


def print_memory(parts: Parts) -> None:
    """Print the GB of a step with ``accum_grad`` > 1: states + activations."""
    print("\n| step | 1 GPU | 8 or 64 |\n|---|---|---|")
    for row in ROWS:
        # Weights, gradients and Adam's two; the window's SE gradients and a batch's.
        ours = 2 * parts.se_bytes * (row in METHODS)
        means = parts.se_bytes * ("smoothing" in METHODS.get(row, ("", {}))[1])
        cells = [
            f"{(parts.all_bytes * copies + ours + means) / 1e9:.2f} + "
            f"{parts.kept_bytes / 1e9:.2f}"
            for copies in (4, 5)  # and DDP's buckets
        ]
        print(f"| {row} | {' | '.join(cells)} |")


def main() -> None:
    """Count and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in GPU()._asdict().items():
        parser.add_argument(f"--{name}", type=float, default=value)
    bus = [fabric.gb_per_s for fabric in FABRICS[1:]]
    parser.add_argument("--bus_gb_per_s", type=float, nargs=3, default=bus)
    args = vars(parser.parse_args())
    rates = [0.0, *args.pop("bus_gb_per_s")]
    gpu = GPU(**args)
    fabrics = [f._replace(gb_per_s=r) for f, r in zip(FABRICS, rates, strict=True)]
    parts = count_parts()
    print_parts(parts)
    print_steps(parts, gpu, fabrics)
    print_thresholds(parts, gpu, fabrics)
    print_memory(parts)


if __name__ == "__main__":
    main()
