#!/usr/bin/env python3
"""Draws docs/three_cases.svg: two gradients before and after the remedy.

The vectors come from the method itself (``espnet2.train.gradient_remedy.remedy``), with
K = 5 and the published rescale; only the lengths of the examples are chosen here.
"""

from pathlib import Path

import matplotlib
import torch
from torch import Tensor

from espnet2.train.gradient_remedy import remedy

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

THRESHOLD = 5.0
NAMES = ("G_SE", "G_ASR")
COLOURS = ("tab:orange", "tab:blue")
# title, G_SE, G_ASR
CASES = (
    ("conflict", (-0.8, 1.6), (2.0, 0.0)),
    ("dominance", (3.0, 4.6), (1.0, 0.0)),
    ("both", (-2.5, 5.0), (1.0, 0.0)),
)


def remedied(enh: Tensor, asr: Tensor) -> tuple[Tensor, Tensor]:
    """Return both gradients after the remedy; their sum is what is applied.

    Args:
        enh: G_SE, (2,).
        asr: G_ASR, (2,).
    """
    rows = torch.stack([enh, asr])
    decision = remedy(rows @ rows.T, THRESHOLD)
    new_asr = decision.stretch * asr
    return decision.weights @ rows - new_asr, new_asr


def arrow(axis: Axes, vector: Tensor, label: str, **style: str | float) -> None:
    """Draw ``vector`` from the origin, with an entry in the legend."""
    tip = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "lw": 1.8, **style}
    axis.annotate("", vector.tolist(), (0, 0), arrowprops=tip)
    axis.plot([], [], label=label, **style)
    axis.update_datalim([(0, 0), vector.tolist()])


def draw(path: Path) -> None:
    """Write the picture; a repetition writes the same bytes."""
    pyplot.rcParams.update({"svg.hashsalt": "three cases", "font.size": 9})
    figure, axes = pyplot.subplots(1, len(CASES), figsize=(9, 3.6))
    for axis, (title, *vectors) in zip(axes, CASES, strict=True):
        before = [torch.tensor(vector, dtype=torch.float64) for vector in vectors]
        after = remedied(*before)
        for name, colour, old, new in zip(NAMES, COLOURS, before, after, strict=True):
            arrow(axis, old, f"{name} before", color=colour, alpha=0.35, lw=6)
            arrow(axis, new, f"{name} after", color=colour)
        arrow(axis, after[0] + after[1], "applied: their sum", color="black")
        axis.set(title=title, aspect="equal")
        axis.margins(0.12)
        axis.autoscale_view()
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=5)
    figure.subplots_adjust(bottom=0.2, left=0.05, right=0.98)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(Path(__file__).with_name("three_cases.svg"))
