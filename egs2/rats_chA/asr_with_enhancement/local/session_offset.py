"""The one constant offset of a session: channel time minus source time.

LDC moved the source's SAD table to each channel's time scale, so that the boundaries
of the two tables tell the offset, which differs from session to session.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sad import Interval
from text_files import SkipError

from espnet2.data_dir.options import option

BIN = 0.001  # s, of the vote
MAX_LENGTH_DIFFERENCE = 0.010  # s, of two stretches that may be the same one
REMATCH = 0.020  # s around the winner of the vote


@dataclass(frozen=True)
class OffsetLimits:
    """When an offset is believed."""

    min_matches: int = option(5, "least number of speech stretches that match")
    tolerance: float = option(0.010, "s; a boundary nearer to the offset agrees")
    min_share: float = option(0.9, "least share of the boundaries that agree")
    max_drift: float = option(0.010, "s; most between first and last third")
    offset_search: float = option(30.0, "s; offsets tried if the counts differ")


class Offset(NamedTuple):
    """The offset (s) and how well the boundaries agree with it."""

    delta: float
    n_boundaries: int
    share: float
    mad: float
    drift: float


def estimate_offset(
    source: list[Interval], channel: list[Interval], limits: OffsetLimits
) -> Offset:
    """The offset between the same speech in two tables.

    Stretches are paired in order if there are as many of them on either side. If not,
    or if that offset is not believed, those of equal length vote for one. Both are as
    `sad.inner_runs` has them. A `SkipError` says why no offset is believed.
    """
    a, b = np.array(source).reshape(-1, 2), np.array(channel).reshape(-1, 2)
    possible = 2 * min(len(a), len(b))
    if len(a) == len(b) > 0:
        offset = measure(b - a, a[:, 0], possible, limits)
        if not problem(offset, limits):
            return offset
    offset = measure(*vote(a, b, limits), possible, limits)
    reason = problem(offset, limits)
    if reason:
        raise SkipError(*reason)
    return offset


def vote(
    a: np.ndarray, b: np.ndarray, limits: OffsetLimits
) -> tuple[np.ndarray, np.ndarray]:
    """Differences (matches, 2) of matching stretches' starts and ends, and the starts.

    ``a`` (n, 2) and ``b`` (m, 2) are starts and ends of source and channel, s.
    """
    differences = b[None, :, :] - a[:, None, :]
    of_starts, of_ends = differences[..., 0], differences[..., 1]
    alike = np.abs(of_ends - of_starts) <= MAX_LENGTH_DIFFERENCE
    alike &= np.abs(of_starts) <= limits.offset_search
    if not alike.any():
        return np.empty((0, 2)), np.empty(0)
    bins = np.round(of_starts[alike] / BIN).astype(int)
    values, counts = np.unique(bins, return_counts=True)
    # A true value near the edge of two bins: count the neighbours too.
    around = [counts[np.abs(values - value) <= 1].sum() for value in values]
    winner = values[int(np.argmax(around))] * BIN
    near = alike & (np.abs(of_starts - winner) <= REMATCH)
    rows, columns = np.nonzero(near)
    return differences[rows, columns], a[rows, 0]


def measure(
    differences: np.ndarray, starts: np.ndarray, possible: int, limits: OffsetLimits
) -> Offset:
    """Median of the ``differences`` (matches, 2), s, and how they scatter about it.

    ``starts`` (matches,), s, are those of the stretches; so many boundaries were
    ``possible``.
    """
    count = differences.size
    if count == 0:
        return Offset(0.0, 0, 0.0, 0.0, 0.0)
    delta = float(np.median(differences))
    deviations = np.abs(differences - delta)
    share = float((deviations <= limits.tolerance + 1e-9).sum() / possible)
    ordered = differences[np.argsort(starts, kind="stable")]
    third = max(1, len(ordered) // 3)
    drift = float(np.median(ordered[-third:]) - np.median(ordered[:third]))
    return Offset(delta, count, share, float(np.median(deviations)), drift)


def problem(offset: Offset, limits: OffsetLimits) -> tuple[str, str] | None:
    """Status and sentence if the offset is not to be believed."""
    numbers = (
        f"{offset.n_boundaries} boundaries match, {offset.share:.0%} within "
        f"{limits.tolerance * 1000:g} ms of {offset.delta:.3f} s"
    )
    if abs(offset.drift) > limits.max_drift and offset.n_boundaries >= 6:
        drift = f"the offset drifts by {offset.drift * 1000:.0f} ms"
        return "drift", f"{drift}, more than {limits.max_drift * 1000:g} ms; {numbers}"
    if offset.n_boundaries < 2 * limits.min_matches or offset.share < limits.min_share:
        wanted = f"want {2 * limits.min_matches} and {limits.min_share:.0%}"
        return "no_offset", f"{numbers}; {wanted}"
    return None
