"""Draw what a gradient method saw: angles, norm ratios, conflict by layer, stretch."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from espnet2.results.gradient_history import GradientHistory, stretch_percentile
from espnet2.results.gradient_verdict import Method
from espnet2.train.gradient_log import ANGLE_EDGES

SHOWN_NAMES = 30  # rows that can still be read


def draw(history: GradientHistory, method: Method, title: str, path: Path) -> None:
    """Write a picture of four panels over the training's steps."""
    with matplotlib.rc_context({"font.size": 9}):
        figure = Figure(figsize=(12, 8), layout="constrained")
        (angles, ratios), (layers, stretch) = figure.subplots(2, 2)
        edges = np.concatenate([[0], history.steps])
        _draw_angles(angles, history, edges, method)
        _draw_ratios(ratios, history, method)
        _draw_layers(layers, history, edges)
        _draw_stretch(stretch, history)
        for panel in (angles, ratios, layers, stretch):
            panel.set_xlabel("optimizer steps")
            panel.set_xlim(0, edges[-1])
        figure.suptitle(title)
        figure.savefig(path, dpi=120)


def _draw_angles(
    panel: Axes, history: GradientHistory, edges: np.ndarray, method: Method
) -> None:
    counts = history.angle_counts
    shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    mesh = panel.pcolormesh(edges, ANGLE_EDGES, shares.T, cmap="viridis")
    panel.axhline(90, color="white", linewidth=1)
    panel.set_ylabel(f"degrees between G_SE and {method.asr}")
    panel.set_title("Angles: % of the decisions; over the line is conflict")
    panel.figure.colorbar(mesh, ax=panel)


def _draw_ratios(panel: Axes, history: GradientHistory, method: Method) -> None:
    ratios = 10 ** history.mean("log_ratio")
    low, middle, high = np.nanpercentile(ratios, [10, 50, 90], axis=1)
    panel.fill_between(history.steps, low, high, alpha=0.3, label="10 to 90 % of them")
    panel.plot(history.steps, middle, label="median tensor")
    k = method.threshold
    panel.axhline(k, color="black", linestyle="--", label=f"K = {k:g}")
    panel.set_yscale("log")
    panel.set_ylabel(f"|G_SE| / |{method.asr}|")
    panel.set_title("Norm ratio of the tensors")
    panel.legend()


def _draw_layers(panel: Axes, history: GradientHistory, edges: np.ndarray) -> None:
    shares = 100 * history.mean("conflict")
    rows = np.arange(len(history.names) + 1)
    mesh = panel.pcolormesh(edges, rows, shares.T, cmap="magma", vmin=0, vmax=100)
    if len(history.names) <= SHOWN_NAMES:
        shown = [name.removeprefix("enh_model.") for name in history.names]
        panel.set_yticks(rows[:-1] + 0.5, shown, fontsize=6)
    panel.invert_yaxis()
    panel.set_title("Conflict by tensor: % of the steps")
    panel.figure.colorbar(mesh, ax=panel)


def _draw_stretch(panel: Axes, history: GradientHistory) -> None:
    for percent in (50, 90, 99):
        values = stretch_percentile(history.stretch_counts, percent)
        panel.plot(history.steps, values, label=f"{percent} % of the decisions below")
    panel.plot(history.steps, history.stretch.max(1), ":", label="largest")
    panel.set_yscale("log")
    panel.set_ylabel("factor on G_ASR")
    panel.set_title("Stretch by the rescale")
    panel.legend()
