"""Alignments of token sequences and their error counts, with jiwer as the aligner."""

import json
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import jiwer

from espnet2.data_dir.tables import DataError

# The units are cut already: jiwer has only to undo our joining by single spaces.
_SPLIT = jiwer.Compose([jiwer.ReduceToListOfListOfWords()])
_LINE_WIDTH = 100


class Counts(NamedTuple):
    """Numbers of units (words, characters or pieces) and of sentences."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    sentences: int = 0
    sentences_with_errors: int = 0

    @property
    def reference_units(self) -> int:
        """Length of the reference: hits + substitutions + deletions."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Substitutions + deletions + insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def error_rate(self) -> float:
        """Errors per reference unit, a fraction that insertions can take above 1.

        Of an empty reference it is the number of errors.
        """
        return self.errors / max(self.reference_units, 1)

    def to_json(self) -> str:
        """Return the counts, ``reference_units`` and ``error_rate`` as JSON text."""
        sums = {"reference_units": self.reference_units, "error_rate": self.error_rate}
        return json.dumps({**self._asdict(), **sums}, indent=2) + "\n"


def total(counts: Iterable[Counts]) -> Counts:
    """Return the sum of all counts."""
    return Counts(*map(sum, zip(*counts, strict=True)))


def read_counts(path: Path) -> Counts:
    """Return the counts that :meth:`Counts.to_json` wrote.

    Raises:
        DataError: the file is unreadable, lacks a count or counts no reference unit.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        counts = Counts(**{name: int(content[name]) for name in Counts._fields})
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(
            f"{path}: is no score.json of score_asr.py ({reason}); run scoring again"
        ) from None
    if counts.reference_units == 0:
        raise DataError(f"{path}: counts no reference unit; run scoring again")
    return counts


class Piece(NamedTuple):
    """One place of an alignment; ``kind`` is equal, substitute, delete or insert.

    What is missing on a side is "".
    """

    kind: str
    reference: str
    hypothesis: str


class Alignment(NamedTuple):
    """One sentence's counts, and the alignment as jiwer made it."""

    counts: Counts
    output: jiwer.WordOutput

    @property
    def drawing(self) -> str:
        """The alignment as lines of text, reference over hypothesis."""
        drawn = jiwer.visualize_alignment(
            self.output,
            show_measures=False,
            skip_correct=False,
            line_width=_LINE_WIDTH,
        )
        return drawn.split("\n\n", 1)[1].rstrip("\n")

    @property
    def pieces(self) -> list[Piece]:
        """The alignment unit by unit."""
        (reference,), (hypothesis,) = self.output.references, self.output.hypotheses
        pieces = []
        for chunk in self.output.alignments[0]:
            said = reference[chunk.ref_start_idx : chunk.ref_end_idx]
            recognised = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
            pairs = zip_longest(said, recognised, fillvalue="")
            pieces += [Piece(chunk.type, *pair) for pair in pairs]
        return pieces


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> Alignment:
    """Return the alignment of one sentence with the smallest number of errors.

    It is that of the Levenshtein distance: all three errors cost 1. ``hypothesis`` may
    be empty.
    """
    output = jiwer.process_words(
        " ".join(reference), " ".join(hypothesis), _SPLIT, _SPLIT
    )
    numbers = (output.hits, output.substitutions, output.deletions, output.insertions)
    return Alignment(Counts(*numbers, 1, int(any(numbers[1:]))), output)
