"""The tables of a condition's fronts: WER at equal SI-SNR, and over the SE weight."""

import math

from espnet2.results.tables import markdown_table
from study.fronts import FrontPoint, compare_fronts, split_name, spread
from study.plan import Plan
from study.statistics import Rows, Summary, Words

FRONT = ("method", "seeds", "SI-SNR dB", "WER %", "front's WER %")
NOTES = """\
All figures are of the seeds that the method and the whole front have. front's WER: the
lowest on the front of `{baseline}` (all its weights, `asr_only`, `se_only`) at no less
than the method's SI-SNR, linear between neighbours by weight. change: the method's
WER against that; in brackets its 95 % interval, and p two-sided, by paired bootstrap
over utterances and seeds, from two seeds on. rise over w: the highest WER against the
lowest, for SE weights from 0.2 to 0.95.
"""


def has_fronts(plan: Plan) -> bool:
    """Return whether the plan's methods have SE weights in their names."""
    return split_name(plan.baseline) is not None


def describe_fronts(plan: Plan, items: list[Summary], rows: Rows, words: Words) -> str:
    """Return both tables of a condition's methods with a note."""
    name = split_name(plan.baseline)[0]
    notes = NOTES.format(baseline=name)
    points = compare_fronts(items, plan.baseline, rows, words)
    return "\n".join([front_table(points), weight_table(items), notes])


def front_table(points: list[FrontPoint]) -> str:
    """Return each method against the baseline's front, the best first."""
    cells = [
        [*_figures(point), *_change(point)]
        for point in sorted(points, key=lambda point: point.change)
    ]
    return markdown_table([*FRONT, "change % (95 %)", "p"], cells)


def weight_table(items: list[Summary]) -> str:
    """Return the WER of each method by SE weight, and how much it rises over them."""
    wers: dict[str, dict[float, float]] = {}
    for item in items:
        name, weight = split_name(item.method) or (item.method, math.nan)
        wers.setdefault(name, {})[weight] = item.mean["wer"]
    several = {name: of for name, of in wers.items() if len(of) > 1}
    weights = sorted({weight for of in several.values() for weight in of})
    rows = [
        [
            f"`{name}`",
            *(f"{of[w]:.2f}" if w in of else "-" for w in weights),
            _percent(spread(items, name)),
        ]
        for name, of in several.items()
    ]
    return markdown_table(
        ["WER %", *(f"w = {w:g}" for w in weights), "rise over w, %"], rows
    )


def _figures(point: FrontPoint) -> list[str]:
    figures = (f"{x:.2f}" for x in (point.si_snr, point.wer, point.base_wer))
    return [f"`{point.method}`", str(point.seeds), *figures]


def _change(point: FrontPoint) -> list[str]:
    if point.interval is None:
        return [_percent(point.change), "-"]
    low, high = point.interval
    interval = f"{point.change:+.1f} ({low:+.1f} to {high:+.1f})"
    return [interval, f"{point.p_value:.4f}"]


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.1f}"
