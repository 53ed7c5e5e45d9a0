"""CHiME-4's data folders: utterances have a category, by which batches are made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2.data_dir import folders
from espnet2.data_dir.tables import DataError, write_lines

# The model looks at the end of the first id of a batch, so that no batch may mix
# kinds; the sampler keeps them apart by utt2category.
CATEGORIES = ("SIMU", "REAL", "CLEAN")


@dataclass(frozen=True)
class Entry(folders.Entry):
    """An utterance, whose id ends in its category."""

    category: str  # SIMU (with an SE loss), REAL or CLEAN (without)
    seconds: float


def check_entries(entries: Sequence[Entry]) -> None:
    """Raise a `DataError` if an id stands twice or contradicts its category."""
    seen: set[str] = set()
    for entry in entries:
        if entry.key in seen:
            raise DataError(f"utterance {entry.key} stands twice")
        seen.add(entry.key)
        if not entry.key.endswith(f"_{entry.category}"):
            raise DataError(f"utterance {entry.key} does not end in {entry.category}")
        if entry.category not in CATEGORIES:
            raise DataError(f"utterance {entry.key}: no category {entry.category}")
        if (entry.wav == entry.reference) == (entry.category == "SIMU"):
            raise DataError(f"utterance {entry.key}: reference {entry.reference}")


def write_folder(folder: Path, entries: Sequence[Entry]) -> None:
    """Write the tables in place of what we wrote before.

    Raises:
        DataError: there are no entries, they contradict themselves, or the folder
            holds something else.
    """
    check_entries(entries)
    categories = {e.key: e.category for e in entries}
    folders.write_data_dir(
        folder, entries, own_file="utt2category", utt2category=categories
    )


def write_symbols(path: Path, texts: Iterable[str]) -> None:
    """Write the words in angle brackets, one a line: they are one token each."""
    words = {word for text in texts for word in text.split()}
    symbols = sorted(w for w in words if w.startswith("<") and w.endswith(">"))
    write_lines(path, symbols)
