"""WER at equal SI-SNR: each run against the baseline's front over the SE weight.

A method's front is its runs with different SE weights w: less w, fewer word errors and
less enhancement. Two methods of the same w may lie at different places of one and the
same front; only a method that leaves the baseline's front is better than it.
"""

import math
import re
from typing import NamedTuple

import numpy as np

from espnet2.results.comparison import Key
from espnet2.results.intervals import (
    Interval,
    draw_counts,
    percentile_interval,
    two_sided_p,
)
from study.statistics import Rows, Summary, Words

WEIGHTED = re.compile(r"(.+)_w(\d)(\d\d)")  # sum_w067: w = 0.67
ENDS = {"asr_only": 0.0, "se_only": 1.0}  # of the sum's front
TUNED = (0.2, 0.95)  # the weights between which a method should not need a choice


class FrontPoint(NamedTuple):
    """A method with one SE weight against the baseline's front.

    Attributes:
        method, weight: its name and w.
        seeds: how many seeds it shares with the front; all figures are of them.
        si_snr: its own, dB.
        base_wer: WER of the baseline's front at its SI-SNR, per cent.
        change: its WER relative to that, per cent.
        interval: 95 % interval of the change, None where there are under two seeds.
        p_value: two-sided, of the change; nan where there are under two seeds.
    """

    method: str
    weight: float
    seeds: int
    si_snr: float
    base_wer: float
    change: float
    interval: Interval | None
    p_value: float

    @property
    def wer(self) -> float:
        """Its own WER, per cent."""
        return self.base_wer * (1 + self.change / 100)


def split_name(method: str) -> tuple[str, float] | None:
    """Return the method without its SE weight, and the weight; None without one."""
    if method in ENDS:
        return method, ENDS[method]
    found = WEIGHTED.fullmatch(method)
    return (found[1], float(f"{found[2]}.{found[3]}")) if found else None


def on_front(snr: np.ndarray, base_snr: np.ndarray, base_wer: np.ndarray) -> np.ndarray:
    """Return the lowest WER on a front at no less than a given SI-SNR.

    Between two neighbours of the front by SE weight, SI-SNR and WER are interpolated
    linearly. A point that another one beats in both is thus passed over. Beyond the
    front's highest SI-SNR, which it does not reach, its WER there counts.

    Args:
        snr: (draws,) SI-SNR that is wanted, dB.
        base_snr: (draws, points) SI-SNR of the front's points by rising weight, dB.
        base_wer: (draws, points) their WER.

    Returns:
        (draws,), in the unit of ``base_wer``.
    """
    wanted = np.minimum(snr, base_snr.max(1))[:, None]
    best = np.where(base_snr >= wanted, base_wer, np.inf).min(1)
    step, rise = np.diff(base_snr), np.diff(base_wer)
    share = (wanted - base_snr[:, :-1]) / np.where(step, step, 1)
    between = base_wer[:, :-1] + share * rise
    within = (share >= 0) & (share <= 1) & (step != 0)
    return np.minimum(best, np.where(within, between, np.inf).min(1, initial=np.inf))


def compare_fronts(
    items: list[Summary], baseline: str, rows: Rows, words: Words
) -> list[FrontPoint]:
    """Return each method whose name has a weight, but the baseline's, by its name.

    A method is compared over the seeds that it and all points of the baseline's front
    have; one that shares none is left out. Draws are of utterances and, apart from
    them, of seeds, the same for all, as in `paired_bootstrap`.
    """
    name = split_name(baseline)[0]
    front = [i for i in items if _is_on(i.method, name) or i.method in ENDS]
    front.sort(key=lambda item: split_name(item.method)[1])
    points = []
    for item in items:
        found = split_name(item.method)
        if found is None or item in front or len(front) < 2:
            continue
        seeds = [s for s in item.rows if all(s in point.rows for point in front)]
        if seeds:
            runs = [[key_of(i.rows[s]) for s in seeds] for i in (item, *front)]
            figures = _test(runs, rows, words)
            points.append(FrontPoint(item.method, found[1], len(seeds), *figures))
    return points


def spread(items: list[Summary], name: str) -> float:
    """Return by how much a method's WER rises over the weights `TUNED`, per cent.

    nan where fewer than two of them have a run.
    """
    named = [(split_name(i.method), i.mean["wer"]) for i in items]
    wers = [
        w for of, w in named if of and of[0] == name and TUNED[0] <= of[1] <= TUNED[1]
    ]
    return 100 * (max(wers) / min(wers) - 1) if len(wers) > 1 else math.nan


def _is_on(method: str, name: str) -> bool:
    found = split_name(method)
    return found is not None and found[0] == name


def key_of(row: dict[str, str]) -> Key:
    """Return the key of a run's row."""
    return (row["condition"], row["method"], row["seed"], row["definition"])


def _test(
    runs: list[list[Key]], rows: Rows, words: Words
) -> tuple[float, float, float, Interval | None, float]:
    """Return what a `FrontPoint` has from ``si_snr`` on.

    The first of the ``runs`` is the method's, the others are the front's, (points,
    seeds).
    """
    snr = np.array([[float(rows[key]["si_snr"]) for key in of] for of in runs])
    counts = np.array([[words[key] for key in of] for of in runs])
    errors, length = counts[..., 0], counts[0, 0, :, 1]
    ones = np.ones((1, errors.shape[1])), np.ones((1, errors.shape[2]))
    base_wer, change = (x.item() for x in _change(snr, errors, length, *ones))
    figures = snr[0].mean().item(), base_wer, change
    if errors.shape[1] < 2:
        return *figures, None, math.nan
    _, drawn = _change(snr, errors, length, *draw_counts(errors.shape[1:]))
    return *figures, percentile_interval(drawn), two_sided_p(drawn)


def _change(
    snr: np.ndarray,
    errors: np.ndarray,
    length: np.ndarray,
    of_seeds: np.ndarray,
    of_utterances: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (draws,) the front's WER and the first point's change against it.

    Args:
        snr: (points, seeds), dB.
        errors: (points, seeds, utterances) word errors.
        length: (utterances,) words.
        of_seeds: (draws, seeds) how often each is drawn.
        of_utterances: (draws, utterances) likewise.
    """
    drawn_words = (of_utterances @ length) * of_seeds.sum(1)
    wers = np.stack(
        [(of_utterances @ e.T * of_seeds).sum(1) for e in errors], axis=1
    ) * (100 / drawn_words[:, None])
    snrs = (of_seeds @ snr.T) / of_seeds.sum(1, keepdims=True)
    front = on_front(snrs[:, 0], snrs[:, 1:], wers[:, 1:])
    return front, 100 * (wers[:, 0] / front - 1)
