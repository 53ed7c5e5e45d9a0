"""Results of a comparison as two tables, which only ever grow.

``results.tsv`` has a row for each run, ``results_words.tsv`` its word errors: in the
column ``words`` stand ``<errors>/<reference words>`` of the test utterances, sorted by
id. A run is known by its condition, method, seed and definition, a hash of the configs
and options; rows of earlier definitions stay.
"""

import csv
import fcntl
import io
from collections.abc import Iterable
from pathlib import Path

from espnet2.data_dir.tables import DataError
from espnet2.results.tables import write_files

KEY = ("condition", "method", "seed", "definition")
TEXTS = ("config", "commit", "machine", "cnr")
FIGURES = (
    *("steps", "wer", "wer_low", "wer_mid", "wer_high", "cer"),
    *("si_snr", "sdr", "stoi", "pesq", "valid_acc"),
    *("conflict", "rescaled", "stretch_p50", "stretch_p99", "step_seconds"),
)
COLUMNS = (*KEY, *TEXTS, *FIGURES)
FORM = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "lineterminator": "\n"}
Key = tuple[str, str, str, str]
Counts = list[tuple[int, int]]


class Results:
    """The two tables of a folder.

    Args:
        folder: holds ``results.tsv`` and ``results_words.tsv``, or will hold them.
    """

    def __init__(self, folder: Path) -> None:
        self.rows_path = folder / "results.tsv"
        self.words_path = folder / "results_words.tsv"
        self.lock_path = folder / ".results.lock"

    def rows(self) -> dict[Key, dict[str, str]]:
        """Return column -> text for each run; the last row of a run counts."""
        return read_last_rows(self.rows_path) if self.rows_path.exists() else {}

    def words(self) -> dict[Key, Counts]:
        """Return (errors, reference words) of each utterance for each run."""
        if not self.words_path.exists():
            return {}
        rows = read_last_rows(self.words_path, ["words"])
        return {key: _parse_counts(row["words"]) for key, row in rows.items()}

    def add(self, row: dict[str, str], counts: Counts) -> None:
        """Add a run; what is not in ``row`` is ``nan``. The row comes last."""
        words = " ".join(f"{errors}/{length}" for errors, length in counts)
        self.lock_path.parent.mkdir(parents=True, exist_ok=True)
        with self.lock_path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _append(self.words_path, (*KEY, "words"), {**row, "words": words})
            _append(self.rows_path, COLUMNS, row)


def _parse_counts(text: str) -> Counts:
    pairs = (pair.split("/") for pair in text.split())
    return [(int(errors), int(length)) for errors, length in pairs]


def read_last_rows(path: Path, needed: Iterable[str] = ()) -> dict[Key, dict[str, str]]:
    """Return column -> text for each run; the last row of a run counts.

    Raises:
        DataError: as `read_rows`.
    """
    rows = read_rows(path, (*KEY, *needed))
    return {tuple(row[name] for name in KEY): row for row in rows}


def read_rows(path: Path, needed: Iterable[str]) -> list[dict[str, str]]:
    """Return column -> text for each row of a table.

    Raises:
        DataError: the table is unreadable, lacks a needed column, or a row has other
            fields than the first line names.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, **FORM)
            rows, columns = list(table), table.fieldnames or needed
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    lacking = ", ".join(sorted(set(needed).difference(columns)))
    if lacking:
        raise DataError(
            f"{path}: lacks the columns {lacking}; wants a comparison's results.tsv"
        )
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise DataError(
                f"{path}:{number}: has not as many fields as the first line"
            )
    return rows


def _append(path: Path, columns: tuple[str, ...], row: dict[str, str]) -> None:
    """Write the table anew with the row at its end."""
    rows = read_rows(path, KEY) if path.exists() else []
    known = [name for old in rows[:1] for name in old if name not in columns]
    text = io.StringIO()
    names = (*columns, *known)
    writer = csv.DictWriter(text, names, "nan", extrasaction="ignore", **FORM)
    writer.writeheader()
    writer.writerows([*rows, row])
    write_files({path: text.getvalue()})
