"""A method over its SE weights: the WER at each, its rise, and against the baseline."""

import math

from espnet2.results.comparison import KEY, Key
from espnet2.results.tables import markdown_table
from study.fronts import key_of, split_name, spread
from study.statistics import Rows, Summary, Words, compare_pairs


def weight_table(items: list[Summary], baseline: str, rows: Rows, words: Words) -> str:
    """Return each method's WER by SE weight, its rise, its change at equal weights."""
    wers: dict[str, dict[float, float]] = {}
    for item in items:
        name, weight = split_name(item.method) or (item.method, math.nan)
        wers.setdefault(name, {})[weight] = item.mean["wer"]
    several = {name: of for name, of in wers.items() if len(of) > 1}
    weights = sorted({weight for of in several.values() for weight in of})
    cells = []
    for name, of in several.items():
        pairs = weight_pairs(items, name, baseline)
        change, p_value = compare_pairs(pairs, rows, words)
        if len({ours[KEY.index("seed")] for ours, _ in pairs}) < 2:
            p_value = math.nan  # weights are no seeds
        figures = [f"{of[w]:.2f}" if w in of else "-" for w in weights]
        figures += [percent(spread(items, name)), percent(change)]
        cells.append([f"`{name}`", *figures, shown_p(p_value)])
    named = [f"w = {w:g}" for w in weights]
    header = ["WER %", *named, "rise over w, %", "change at equal w, %", "p"]
    return markdown_table(header, cells)


def weight_pairs(
    items: list[Summary], name: str, baseline: str
) -> list[tuple[Key, Key]]:
    """Return a method's runs, each with the baseline's of the same weight and seed.

    Of the baseline itself there are none.
    """
    runs: dict[tuple[str, float] | None, dict[int, Key]] = {
        split_name(item.method): {seed: key_of(row) for seed, row in item.rows.items()}
        for item in items
    }
    return [
        (key, runs[baseline, of[1]][seed])
        for of, keys in runs.items()
        if of and of[0] == name != baseline
        for seed, key in keys.items()
        if seed in runs.get((baseline, of[1]), {})
    ]


def percent(value: float) -> str:
    """Return a change as a table shows it, "-" of nan."""
    return "-" if math.isnan(value) else f"{value:+.1f}"


def shown_p(value: float) -> str:
    """Return a p-value likewise."""
    return "-" if math.isnan(value) else f"{value:.4f}"
