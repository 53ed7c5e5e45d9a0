"""Count what the surgery gives a GPU to do, without one: the authors' SE network.

usage: bench_operations.py

Prints a row for each gradient method: operations, the bytes that they read and write
over the least that must be moved (both gradients read, one written), and the most
bytes allocated, in sizes of the SE parameters.
"""

import math

from fake_gpu import authors_shapes, second_step
from figure_table import commit

from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf

ROWS = {
    "`remedy`": ("remedy", {}),
    "`remedy`, `max_stretch: dynamic`": ("remedy", {"max_stretch": "dynamic"}),
    "`remedy`, `rescale: compress`": ("remedy", {"rescale": "compress"}),
    "`remedy`, `granularity: module`": ("remedy", {"granularity": "module"}),
    "`remedy`, `smoothing: 0.98`": ("remedy", {"smoothing": 0.98}),
    "`one_way`": ("one_way", {}),
    "`one_way`, `smoothing: 0.98`": ("one_way", {"smoothing": 0.98}),
    "`sum`, `probe: true`": ("sum", {"probe": True}),
    "`d4am`, `granularity: module`": ("d4am", {"granularity": "module"}),
}


def main() -> None:
    """Print the table."""
    shapes = authors_shapes()
    size = 4 * sum(map(math.prod, shapes.values()))
    print(f"Commit {commit()}; {len(shapes)} tensors, {size / 1e6:.0f} MB.\n")
    print("| method | operations | with a loss scale | bytes over floor | peak |")
    print("|---|---|---|---|---|")
    for title, (name, options) in ROWS.items():
        plain, scaled = (
            second_step(make_method(name, GradientConf(**options)), shapes, is_scaled)
            for is_scaled in (False, True)
        )
        moved = sum(operation.n_bytes for operation in plain.operations) / (3 * size)
        print(
            f"| {title} | {len(plain.operations)} | {len(scaled.operations)} | "
            f"{moved:.2f} | {plain.peak / size:.3f} |"
        )


if __name__ == "__main__":
    main()
