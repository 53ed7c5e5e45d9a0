"""How far a score would move with other utterances of the same kind, by bootstrap."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LEVEL = 0.95
DRAWS = 9999  # of an interval
SEED = 0
TEST_DRAWS = 10000  # of a p-value
_NUMBERS_AT_ONCE = 2_000_000  # drawn at a time, which bounds the memory


class Interval(NamedTuple):
    """The 2.5 and 97.5 % percentiles over the draws."""

    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """Whether zero lies within."""
        return self.low <= 0 <= self.high


class Estimate(NamedTuple):
    """A figure, and its interval if there are enough utterances for one."""

    value: float
    interval: Interval | None


def ratio_interval(parts: Sequence[float], wholes: Sequence[float]) -> Interval | None:
    """Return the interval of ``sum(parts) / sum(wholes)``.

    Percentile bootstrap: each draw takes as many utterances as there are, with
    replacement. With errors and reference words it is the interval of the WER; with
    differences of errors, that of the difference of two WERs on the same utterances.

    Args:
        parts: (utterances,)
        wholes: (utterances,), with a sum over 0 in every draw.

    Returns:
        None of fewer than two utterances.
    """
    if len(parts) < 2:
        return None
    from scipy.stats import bootstrap  # slow: who reads scores only does without it

    found = bootstrap(
        (np.asarray(parts, np.float64), np.asarray(wholes, np.float64)),
        _ratio,
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=DRAWS,
        confidence_level=LEVEL,
        batch=max(1, _NUMBERS_AT_ONCE // len(parts)),
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Return the interval of a mean over utterances (see ``ratio_interval``)."""
    return ratio_interval(values, np.ones(len(values)))


def _ratio(parts: np.ndarray, wholes: np.ndarray, axis: int) -> np.ndarray:
    return parts.sum(axis) / wholes.sum(axis)


def paired_bootstrap(errors: np.ndarray, base: np.ndarray) -> float:
    """Return the two-sided p-value of the difference between two methods' WER.

    Each draw takes utterances and, apart from them, seeds with replacement, the same
    for both methods, so that both have the same words in a draw: the sign of the
    difference in errors is that of the difference in WER.

    Args:
        errors: (seeds, utterances) word errors.
        base: (seeds, utterances) those of the baseline.
    """
    of_seeds, of_utterances = draw_counts(errors.shape)
    return two_sided_p((of_utterances @ (errors - base).T * of_seeds).sum(1))


@functools.lru_cache(maxsize=2)
def draw_counts(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each seed and each utterance is drawn.

    A few seeds are a small sample: their own spread comes out too small.

    Args:
        shape: numbers of seeds and of utterances.

    Returns:
        (draws, seeds) and (draws, utterances), the same ones for the same shape, not to
        be written to; whole numbers as float64, products of which are the fastest.
    """
    rng = np.random.default_rng(SEED)
    seeds, utterances = (
        rng.multinomial(size, [1 / size] * size, TEST_DRAWS).astype(float)
        for size in shape
    )
    return seeds, utterances


def two_sided_p(drawn: np.ndarray) -> float:
    """Return twice the share of (draws,) differences not on the side of most."""
    tail = min((drawn <= 0).sum(), (drawn >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(drawn) + 1)))


def percentile_interval(drawn: np.ndarray) -> Interval:
    """Return the interval that holds 95 % of (draws,) values."""
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
