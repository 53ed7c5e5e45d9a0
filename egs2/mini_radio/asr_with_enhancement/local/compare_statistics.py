"""What the runs of a comparison say: means over seeds, spread, and significance."""

import math
from typing import NamedTuple

import numpy as np
from compare_plan import Plan
from compare_results import FIGURES, Counts, Key

DRAWS = 10000  # of the bootstrap


class Summary(NamedTuple):
    """One method under one condition.

    Attributes:
        rows: seed -> its row.
        mean: figure -> mean over the seeds, nan where a seed has none.
        std: figure -> standard deviation over the seeds (n - 1), nan for one seed.
        change: mean WER relative to the baseline's, per cent, over the seeds that both
            have; nan without one.
        p_value: of the difference in WER from the baseline, see paired_bootstrap.
    """

    condition: str
    method: str
    rows: dict[int, dict[str, str]]
    mean: dict[str, float]
    std: dict[str, float]
    change: float
    p_value: float


def summarize(
    plan: Plan, rows: dict[Key, dict[str, str]], words: dict[Key, Counts]
) -> dict[str, list[Summary]]:
    """Return condition -> its methods that have a run of the current definition."""
    return {
        name: [
            _summarize(plan, name, method, rows, words)
            for method in plan.methods
            if _keys(plan, name, method, rows)
        ]
        for name in plan.conditions
    }


def _keys(plan: Plan, condition: str, method: str, rows: dict) -> dict[int, Key]:
    return {
        run.seed: run.key
        for run in plan.runs
        if (run.condition.name, run.name) == (condition, method) and run.key in rows
    }


def _summarize(
    plan: Plan, condition: str, method: str, rows: dict, words: dict
) -> Summary:
    keys = _keys(plan, condition, method, rows)
    base_keys = _keys(plan, condition, plan.baseline, rows)
    values = {
        figure: np.array([float(rows[key].get(figure, "nan")) for key in keys.values()])
        for figure in FIGURES
    }
    mean = {figure: float(np.mean(column)) for figure, column in values.items()}
    spread = {
        figure: float(np.std(column, ddof=1)) if len(column) > 1 else math.nan
        for figure, column in values.items()
    }
    change = p_value = math.nan
    if base_keys and method != plan.baseline:
        change = _change(keys, base_keys, rows)
        p_value = _p_value(keys, base_keys, words)
    by_seed = {seed: rows[key] for seed, key in keys.items()}
    return Summary(condition, method, by_seed, mean, spread, change, p_value)


def _change(keys: dict[int, Key], base_keys: dict[int, Key], rows: dict) -> float:
    """Return the change of the WER in per cent over the seeds that both have.

    The seed moves the WER more than most methods do: over other seeds than its own the
    baseline would be another.
    """
    seeds = keys.keys() & base_keys.keys()
    base = sum(float(rows[base_keys[seed]]["wer"]) for seed in seeds)
    ours = sum(float(rows[keys[seed]]["wer"]) for seed in seeds)
    return 100 * (ours / base - 1) if base else math.nan


def _p_value(keys: dict[int, Key], base_keys: dict[int, Key], words: dict) -> float:
    """Return the p-value over the seeds that both have, nan if they are under two.

    Of one seed it would speak of that one model, not of the method.
    """
    seeds = [
        seed
        for seed in keys
        if seed in base_keys and keys[seed] in words and base_keys[seed] in words
    ]
    if len(seeds) < 2:
        return math.nan
    ours = np.array([words[keys[seed]] for seed in seeds])
    base = np.array([words[base_keys[seed]] for seed in seeds])
    if ours.shape != base.shape or (ours[..., 1] != base[..., 1]).any():
        raise ValueError(
            f"results_words.tsv: {'/'.join(keys[seeds[0]][:2])} and the baseline were "
            "scored on other test utterances"
        )
    return paired_bootstrap(ours[..., 0], base[..., 0])


def paired_bootstrap(errors: np.ndarray, base: np.ndarray, seed: int = 0) -> float:
    """Return the two-sided p-value of the difference between two methods' WER.

    Each draw takes utterances and, apart from them, seeds with replacement, the same
    for both methods. The share of draws in which the difference is not on the side
    that it has on average counts, twice. Both methods have the same words in a draw,
    so the sign of the difference in errors is that of the difference in WER. A few
    seeds are a small sample: their own spread comes out too small.

    Args:
        errors: (seeds, utterances) word errors.
        base: (seeds, utterances) those of the baseline.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    seeds, utterances = errors.shape
    of_seeds = rng.multinomial(seeds, [1 / seeds] * seeds, DRAWS)
    of_utterances = rng.multinomial(utterances, [1 / utterances] * utterances, DRAWS)
    difference = ((of_seeds @ (errors - base)) * of_utterances).sum(1)
    tail = min((difference <= 0).sum(), (difference >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (DRAWS + 1)))
