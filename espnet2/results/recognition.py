"""Error rates of a decoded set, and where each utterance goes wrong."""

from pathlib import Path
from typing import NamedTuple

from espnet2.data_dir.tables import DataError
from espnet2.results.alignment import Alignment, Counts, align, read_counts, total
from espnet2.results.intervals import Estimate, Interval, ratio_interval
from espnet2.results.sclite import read_trn
from espnet2.results.tables import read_scored


class ErrorRate(NamedTuple):
    """What stage 14 scored, with an interval.

    Attributes:
        counts: of score.json.
        interval: of the error rate, in per cent.
        utterances: utterance -> its alignment, in C order.
    """

    counts: Counts
    interval: Interval | None
    utterances: dict[str, Alignment]

    @property
    def percent(self) -> float:
        """The error rate in per cent."""
        return 100 * self.counts.error_rate


def read_error_rate(score: Path) -> ErrorRate:
    """Return what a ``<decode>/<set>/score_*`` folder says.

    Raises:
        DataError: a file is missing or broken, or they contradict each other.
    """
    counts = read_counts(score / "score.json")
    names = sorted(read_scored(score.parent / "text_spk1"))
    references, hypotheses = (
        read_trn(score / f"{side}_spk1.trn", names) for side in ("ref", "hyp")
    )
    utterances = dict(zip(names, map(align, references, hypotheses), strict=True))
    of_each = [alignment.counts for alignment in utterances.values()]
    if total(of_each) != counts:
        raise DataError(
            f"{score}: score.json and the trn files disagree; run stage 14 again"
        )
    lengths = [one.reference_units for one in of_each]
    interval = ratio_interval([100 * one.errors for one in of_each], lengths)
    return ErrorRate(counts, interval, utterances)


def difference(base: ErrorRate, other: ErrorRate) -> Estimate | None:
    """Return ``other`` less ``base`` in points, paired by utterance.

    None unless both were scored on the same utterances and words.
    """
    lengths, other_lengths = (
        {key: found.counts.reference_units for key, found in rate.utterances.items()}
        for rate in (base, other)
    )
    if lengths != other_lengths:
        return None
    words = list(lengths.values())
    differences = [
        100 * (other.utterances[key].counts.errors - found.counts.errors)
        for key, found in base.utterances.items()
    ]
    value = sum(differences) / sum(words)
    return Estimate(value, ratio_interval(differences, words))
