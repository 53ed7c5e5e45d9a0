"""CHiME-4's data folders: utterances have a category, by which batches are made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2.data_dir import folders
from espnet2.data_dir.tables import write_lines


@dataclass(frozen=True)
class Entry(folders.Entry):
    """An utterance, whose id ends in its category.

    The model looks at the end of the first id of a batch, so that no batch may mix
    kinds; the sampler keeps them apart by ``utt2category``.
    """

    seconds: float

    @property
    def category(self) -> str:
        """SIMU (with an SE loss), REAL or CLEAN (without)."""
        return self.key.rsplit("_", 1)[1]


def write_folder(folder: Path, entries: Sequence[Entry]) -> None:
    """Write the tables in place of what we wrote before."""
    categories = {e.key: e.category for e in entries}
    folders.write_data_dir(folder, entries, "utt2category", utt2category=categories)


def write_symbols(path: Path, texts: Iterable[str]) -> None:
    """Write the words in angle brackets, one a line: they are one token each."""
    words = {word for text in texts for word in text.split()}
    symbols = sorted(w for w in words if w.startswith("<") and w.endswith(">"))
    write_lines(path, symbols)
