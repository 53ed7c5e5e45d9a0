"""A picture of fronts: WER against how well the speech is enhanced, by SE weight."""

import math
from itertools import cycle
from pathlib import Path

import numpy as np

from study.fronts import ENDS, split_name
from study.picture import LEGEND_WIDTH, MARKERS, PANEL, plt
from study.statistics import Summary

QUALITIES = {
    "si_snr": "SI-SNR of the enhanced speech, dB",
    "pesq": "PESQ (narrow band) of the enhanced speech",
}
MARGIN = 0.12  # of the space that the points take, on each side

Point = tuple[float, float, float]  # SE weight (or nan), quality, WER


def draw_fronts(summaries: dict[str, list[Summary]], path: Path) -> None:
    """Write the fronts: WER against SI-SNR and against PESQ, a row for each condition.

    Each method's SE weights are joined by a line; methods without are marks alone. The
    axes show what has a weight. What lies beyond stands at the edge with its figures.
    """
    shown = {name: items for name, items in summaries.items() if items}
    size = (2 * PANEL[0] + LEGEND_WIDTH, PANEL[1] * len(shown))
    figure, axes = plt.subplots(
        len(shown), 2, figsize=size, squeeze=False, layout="constrained"
    )
    handles = {}
    for line, (name, items) in zip(axes, shown.items(), strict=True):
        for axis, (quality, label) in zip(line, QUALITIES.items(), strict=True):
            axis.set(title=name, xlabel=label, ylabel="WER, %")
            axis.grid(alpha=0.3)
            handles |= draw_front(axis, collect_fronts(items, quality))
    figure.legend(handles.values(), handles.keys(), loc="outside right upper")
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)


def collect_fronts(items: list[Summary], quality: str) -> dict[str, list[Point]]:
    """Return each method's points in the order of their weights."""
    fronts: dict[str, list[Point]] = {}
    for item in items:
        name, weight = split_name(item.method) or (item.method, math.nan)
        weight = math.nan if name in ENDS else weight
        point = (weight, item.mean[quality], item.mean["wer"])
        fronts.setdefault(name, []).append(point)
    return {name: sorted(points) for name, points in fronts.items()}


def limits(values: list[float]) -> tuple[float, float]:
    """Return the ends of an axis that shows all of the values, with a margin."""
    low, high = min(values), max(values)
    margin = MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def draw_front(axis: plt.Axes, fronts: dict[str, list[Point]]) -> dict:
    """Draw the fronts into one panel and return a handle of each for the legend."""
    points = [point for front in fronts.values() for point in front]
    points = [point for point in points if not math.isnan(point[0])] or points
    low, high = zip(
        *(limits([p[side] for p in points]) for side in (1, 2)), strict=True
    )
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    middle = [sum(ends) / 2 for ends in zip(low, high, strict=True)]
    handles = {}
    for (name, front), marker in zip(fronts.items(), cycle(MARKERS), strict=False):
        places = [tuple(np.clip(point[1:], low, high)) for point in front]
        qualities, wers = zip(*places, strict=True)
        (handles[name],) = axis.plot(qualities, wers, marker=marker, clip_on=False)
        for (weight, *figures), place in zip(front, places, strict=True):
            if place != tuple(figures):
                _write(axis, f"{figures[1]:.1f} % at {figures[0]:.3g}", place, middle)
            elif not math.isnan(weight):
                _write(axis, f"{weight:g}", place, middle)
    return handles


def _write(axis: plt.Axes, text: str, place: tuple, middle: list[float]) -> None:
    """Write beside a mark, on the side of the middle of the axes."""
    left, below = (v < m for v, m in zip(place, middle, strict=True))
    axis.annotate(
        text,
        place,
        fontsize=7,
        xytext=(5 if left else -5, 5 if below else -9),
        textcoords="offset points",
        horizontalalignment="left" if left else "right",
    )
