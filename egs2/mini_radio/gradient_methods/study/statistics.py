"""What the runs of a comparison say: means over seeds, spread, and significance."""

import math
from typing import NamedTuple

import numpy as np

from espnet2.results.comparison import FIGURES, Counts, Key
from espnet2.results.intervals import paired_bootstrap
from study.plan import Plan

Rows = dict[Key, dict[str, str]]
Words = dict[Key, Counts]


class Summary(NamedTuple):
    """One method under one condition.

    Attributes:
        method: its name.
        rows: seed -> its row.
        mean: figure -> mean over the seeds, nan where a seed has none.
        std: figure -> standard deviation over the seeds (n - 1), nan for one seed.
        change: mean WER relative to the baseline's, per cent, over the seeds that both
            have; nan without one.
        p_value: of the difference in WER from the baseline, see paired_bootstrap.
    """

    method: str
    rows: dict[int, dict[str, str]]
    mean: dict[str, float]
    std: dict[str, float]
    change: float
    p_value: float


def summarize(plan: Plan, rows: Rows, words: Words) -> dict[str, list[Summary]]:
    """Return condition -> its methods that have a run of the current definition."""
    keys: dict[str, dict[str, dict[int, Key]]] = {
        condition: {method: {} for method in plan.methods}
        for condition in plan.conditions
    }
    for run in plan.runs:
        if run.key in rows:
            keys[run.condition.name][run.name][run.seed] = run.key
    return {
        condition: [
            _summarize(method, of_seed, of_method[plan.baseline], rows, words)
            for method, of_seed in of_method.items()
            if of_seed
        ]
        for condition, of_method in keys.items()
    }


def _summarize(
    method: str, keys: dict[int, Key], base: dict[int, Key], rows: Rows, words: Words
) -> Summary:
    by_seed = {seed: rows[key] for seed, key in keys.items()}
    table = np.array(
        [[float(row.get(name, "nan")) for name in FIGURES] for row in by_seed.values()]
    )
    mean = dict(zip(FIGURES, table.mean(0).tolist(), strict=True))
    spread = np.full(len(FIGURES), math.nan) if len(table) < 2 else table.std(0, ddof=1)
    std = dict(zip(FIGURES, spread.tolist(), strict=True))
    common = [] if keys == base else [seed for seed in keys if seed in base]
    pairs = [(keys[seed], base[seed]) for seed in common]
    return Summary(method, by_seed, mean, std, *compare_pairs(pairs, rows, words))


def compare_pairs(
    pairs: list[tuple[Key, Key]], rows: Rows, words: Words
) -> tuple[float, float]:
    """Return the change of the mean WER in per cent and its p-value.

    Args:
        pairs: a run and the one that it is compared with.
        rows: of all runs.
        words: likewise.
    """
    return _change(pairs, rows), _p_value(pairs, words)


def _change(pairs: list[tuple[Key, Key]], rows: Rows) -> float:
    """Return the change of the WER in per cent over the seeds that both have.

    The seed moves the WER more than most methods do: over other seeds than its own the
    baseline would be another.
    """
    ours, base = (sum(float(rows[pair[i]]["wer"]) for pair in pairs) for i in (0, 1))
    return 100 * (ours / base - 1) if base else math.nan


def _p_value(pairs: list[tuple[Key, Key]], words: Words) -> float:
    """Return the p-value over the seeds that both have, nan if they are under two.

    Of one seed it would speak of that one model, not of the method.
    """
    known = [pair for pair in pairs if all(key in words for key in pair)]
    if len(known) < 2:
        return math.nan
    ours, base = (np.array([words[pair[i]] for pair in known]) for i in (0, 1))
    if ours.shape != base.shape or (ours[..., 1] != base[..., 1]).any():
        raise ValueError(
            f"results_words.tsv: {'/'.join(known[0][0][:2])} and the baseline were "
            "scored on other test utterances"
        )
    return paired_bootstrap(ours[..., 0], base[..., 0])
