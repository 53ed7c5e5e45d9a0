"""Error counts of aligned token sequences, with jiwer as the aligner."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import jiwer
from score_files import ScoreError

# The units are cut already: jiwer has only to undo our joining by single spaces.
_SPLIT = jiwer.Compose([jiwer.ReduceToListOfListOfWords()])
_LINE_WIDTH = 100


@dataclasses.dataclass(frozen=True)
class Counts:
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
        """Errors per reference unit, a fraction that insertions can take above 1."""
        return self.errors / self.reference_units

    def __add__(self, other: "Counts") -> "Counts":
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Counts(*(mine + theirs for mine, theirs in pairs))

    def to_json(self) -> str:
        """Return the counts, ``reference_units`` and ``error_rate`` as JSON text."""
        sums = {"reference_units": self.reference_units, "error_rate": self.error_rate}
        return json.dumps({**dataclasses.asdict(self), **sums}, indent=2) + "\n"


def total(counts: Iterable[Counts]) -> Counts:
    """Return the sum of all counts."""
    return sum(counts, Counts())


def read_counts(path: Path) -> Counts:
    """Return the counts that :meth:`Counts.to_json` wrote.

    Raises:
        ScoreError: the file is unreadable, lacks a count or counts no reference unit.
    """
    names = [field.name for field in dataclasses.fields(Counts)]
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        counts = Counts(**{name: int(content[name]) for name in names})
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ScoreError(
            f"{path}: is no score.json of score_asr.py ({reason}); run scoring again"
        ) from None
    if counts.reference_units == 0:
        raise ScoreError(f"{path}: counts no reference unit; run scoring again")
    return counts


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[Counts, str]:
    """Return the counts of one sentence and its alignment drawn as text lines.

    The alignment has the smallest number of errors (Levenshtein distance, all three
    errors cost 1). ``reference`` must not be empty; ``hypothesis`` may be.
    """
    output = jiwer.process_words(
        " ".join(reference), " ".join(hypothesis), _SPLIT, _SPLIT
    )
    counts = Counts(
        output.hits,
        output.substitutions,
        output.deletions,
        output.insertions,
        sentences=1,
    )
    counts = dataclasses.replace(counts, sentences_with_errors=int(counts.errors > 0))
    drawing = jiwer.visualize_alignment(
        output, show_measures=False, skip_correct=False, line_width=_LINE_WIDTH
    )
    return counts, drawing.split("\n\n", 1)[1].rstrip("\n")
