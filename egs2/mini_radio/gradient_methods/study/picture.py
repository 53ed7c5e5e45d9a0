"""A picture of a comparison: WER against SI-SNR, a panel for each condition."""

import math
from itertools import cycle
from pathlib import Path

import matplotlib

from study.statistics import Summary

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

MARKERS = "osD^v<>P"
PANEL = (5.5, 4.5)  # inches
LEGEND_WIDTH = 2.0  # inches


def draw(summaries: dict[str, list[Summary]], path: Path) -> None:
    """Write the picture; bars are one standard deviation over the seeds.

    A method without enhancement scores stands as a line at its WER.
    """
    shown = {name: items for name, items in summaries.items() if items}
    methods = dict.fromkeys(i.method for items in shown.values() for i in items)
    colors = [
        *matplotlib.colormaps["tab10"].colors,
        *matplotlib.colormaps["Dark2"].colors,
    ]
    styles = dict(zip(methods, zip(cycle(colors), cycle(MARKERS)), strict=False))
    size = (PANEL[0] * len(shown) + LEGEND_WIDTH, PANEL[1])
    figure, axes = plt.subplots(
        1, len(shown), figsize=size, squeeze=False, layout="constrained"
    )
    handles = {}
    for axis, (name, items) in zip(axes[0], shown.items(), strict=True):
        axis.set(
            title=name, xlabel="SI-SNR of the enhanced speech, dB", ylabel="WER, %"
        )
        axis.grid(alpha=0.3)
        for item in items:
            handles[item.method] = _mark(axis, item, *styles[item.method])
    figure.legend(handles.values(), handles.keys(), loc="outside right upper")
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)


def _mark(axis: plt.Axes, item: Summary, color: tuple, marker: str) -> object:
    snr, wer = item.mean["si_snr"], item.mean["wer"]
    if math.isnan(snr):
        return axis.axhline(wer, color=color, linestyle="--")
    bars = [0.0 if math.isnan(s) else s for s in (item.std["si_snr"], item.std["wer"])]
    return axis.errorbar(
        *(snr, wer), xerr=bars[0], yerr=bars[1], color=color, fmt=marker, capsize=3
    )
