"""Error rates of a decoded set, and where each utterance goes wrong."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import jiwer

from espnet2.result_page.intervals import Interval, ratio_interval
from espnet2.result_page.tables import c_order, read_table, read_units

COUNTS = ("hits", "substitutions", "deletions", "insertions")
# The units are cut already: jiwer has only to undo our joining by single spaces.
_SPLIT = jiwer.Compose([jiwer.ReduceToListOfListOfWords()])


class Piece(NamedTuple):
    """One place of an alignment; ``kind`` is equal, substitute, delete or insert.

    What is missing on a side is "".
    """

    kind: str
    reference: str
    hypothesis: str


class Errors(NamedTuple):
    """One utterance: its alignment of fewest errors."""

    pieces: list[Piece]

    @property
    def number(self) -> int:
        """Substitutions, deletions and insertions."""
        return sum(piece.kind != "equal" for piece in self.pieces)

    @property
    def length(self) -> int:
        """Reference units."""
        return sum(piece.kind != "insert" for piece in self.pieces)

    @property
    def rate(self) -> float:
        """Errors per reference unit; of an empty reference, per one unit."""
        return self.number / max(self.length, 1)


class ErrorRate(NamedTuple):
    """What stage 14 scored, with an interval.

    Attributes:
        percent: 100 times ``error_rate`` of score.json.
        counts: hits, substitutions, deletions and insertions of score.json.
        interval: in per cent.
        utterances: utterance -> errors, in C order.
    """

    percent: float
    counts: dict[str, int]
    interval: Interval | None
    utterances: dict[str, Errors]

    @property
    def length(self) -> int:
        """Reference units."""
        return self.counts["hits"] + sum(self.counts[name] for name in COUNTS[1:3])


def read_error_rate(score: Path) -> ErrorRate:
    """Return what a ``<decode>/<set>/score_*`` folder says.

    Raises:
        ValueError: a file is missing or broken, or they contradict each other.
    """
    counts, percent = _read_sums(score / "score.json")
    utterances = c_order(read_table(score.parent / "text_spk1"))
    references = read_units(score / "ref_spk1.trn", utterances)
    hypotheses = read_units(score / "hyp_spk1.trn", utterances)
    errors = dict(zip(utterances, align(references, hypotheses), strict=True))
    if _sums(errors.values()) != counts:
        raise ValueError(
            f"{score}: score.json and the trn files disagree; run stage 14 again"
        )
    numbers = [100 * e.number for e in errors.values()]
    interval = ratio_interval(numbers, [e.length for e in errors.values()])
    return ErrorRate(percent, counts, interval, errors)


def _read_sums(path: Path) -> tuple[dict[str, int], float]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        counts = {name: int(content[name]) for name in COUNTS}
        return counts, 100 * float(content["error_rate"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: is no score.json of stage 14 ({type(error).__name__}: {error})"
        ) from None


def align(references: list[str], hypotheses: list[str]) -> list[Errors]:
    """Return the errors of each pair of texts of units joined by single spaces."""
    found = jiwer.process_words(references, hypotheses, _SPLIT, _SPLIT)
    triples = zip(found.alignments, found.references, found.hypotheses, strict=True)
    return [Errors(list(_pieces(*triple))) for triple in triples]


def _pieces(
    chunks: list, reference: list[str], hypothesis: list[str]
) -> Iterable[Piece]:
    for chunk in chunks:
        of_reference = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        of_hypothesis = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        for place in range(max(len(of_reference), len(of_hypothesis))):
            sides = (side[place : place + 1] for side in (of_reference, of_hypothesis))
            yield Piece(chunk.type, *("".join(side) for side in sides))


def _sums(errors: Iterable[Errors]) -> dict[str, int]:
    kinds = [piece.kind for item in errors for piece in item.pieces]
    names = ("equal", "substitute", "delete", "insert")
    return {key: kinds.count(kind) for key, kind in zip(COUNTS, names, strict=True)}
