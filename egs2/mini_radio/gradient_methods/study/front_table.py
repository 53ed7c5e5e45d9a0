"""The tables of a condition's fronts: WER at equal SI-SNR, and over the SE weight."""

import math

from scipy.stats import false_discovery_control

from espnet2.results.tables import markdown_table
from study.fronts import FrontPoint, compare_fronts, split_name
from study.plan import Plan
from study.statistics import Rows, Summary, Words
from study.weight_table import percent, shown_p, weight_table

FRONT = ("method", "seeds", "SI-SNR dB", "WER %", "front's WER %")
NOTES = """\
All figures are of the seeds that the method and the whole front have. front's WER: the
lowest on the front of `{baseline}` (all its weights, `asr_only`, `se_only`) at no less
than the method's SI-SNR, linear between neighbours by weight. change: the method's WER
against that; in brackets its 95 % interval, and p two-sided, by paired bootstrap over
utterances and seeds, from two seeds on; corrected: for as many methods as the table
has (the false discovery rate of Benjamini and Hochberg). rise over w: the highest WER
against the lowest, for SE weights from 0.2 to 0.95. change at equal w: of the mean WER
of all weights and seeds that the method and `{baseline}` have, at the SI-SNR that each
has there; p as above, over utterances and these runs.
"""


def has_fronts(plan: Plan) -> bool:
    """Return whether the plan's methods have SE weights in their names."""
    return split_name(plan.baseline) is not None


def describe_fronts(plan: Plan, items: list[Summary], rows: Rows, words: Words) -> str:
    """Return both tables of a condition's methods with a note."""
    notes = NOTES.format(baseline=split_name(plan.baseline)[0])
    return f"{front_tables(plan, items, rows, words)}\n{notes}"


def front_tables(plan: Plan, items: list[Summary], rows: Rows, words: Words) -> str:
    """Return the methods at equal SI-SNR, and over the SE weights."""
    points = compare_fronts(items, plan.baseline, rows, words)
    over = weight_table(items, split_name(plan.baseline)[0], rows, words)
    return f"{front_table(points)}\n{over}"


def front_table(points: list[FrontPoint]) -> str:
    """Return each method against the baseline's front, the best first."""
    points = sorted(points, key=lambda point: point.change)
    corrected = correct([point.p_value for point in points])
    cells = [
        [*_figures(point), *_change(point), shown_p(p_value)]
        for point, p_value in zip(points, corrected, strict=True)
    ]
    return markdown_table([*FRONT, "change % (95 %)", "p", "corrected"], cells)


def correct(p_values: list[float]) -> list[float]:
    """Return p-values corrected for their number; nan stays, and does not count."""
    given = [p for p in p_values if not math.isnan(p)]
    corrected = iter(false_discovery_control(given) if given else [])
    return [p if math.isnan(p) else float(next(corrected)) for p in p_values]


def _figures(point: FrontPoint) -> list[str]:
    figures = (f"{x:.2f}" for x in (point.si_snr, point.wer, point.base_wer))
    return [f"`{point.method}`", str(point.seeds), *figures]


def _change(point: FrontPoint) -> list[str]:
    if point.interval is None:
        return [percent(point.change), "-"]
    low, high = point.interval
    interval = f"{point.change:+.1f} ({low:+.1f} to {high:+.1f})"
    return [interval, shown_p(point.p_value)]
