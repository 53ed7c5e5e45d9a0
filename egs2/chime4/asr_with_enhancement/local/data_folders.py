"""Kaldi data folders of utterances with a category, written beside and then renamed."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2.data_dir.tables import (
    DataError,
    replace_folder,
    utt2spk_to_spk2utt,
    write_table,
)

# The model looks at the end of the first id of a batch, so that no batch may mix
# kinds; the sampler keeps them apart by utt2category.
CATEGORIES = ("SIMU", "REAL", "CLEAN")


@dataclass(frozen=True)
class Entry:
    """A line of each table.

    Attributes:
        key: the utterance id, which ends in its category.
        speaker: begins the id.
        text: normalised.
        wav: noisy audio, a path or a pipe.
        reference: clean audio, or `wav` again where there is none.
        category: SIMU (with an SE loss), REAL or CLEAN (without).
        seconds: length.
    """

    key: str
    speaker: str
    text: str
    wav: str
    reference: str
    category: str
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
    """Write the tables, sorted in byte order, in place of what we wrote before.

    Raises:
        DataError: there are no entries, they contradict themselves, or the folder
            holds something else.
    """
    if not entries:
        raise DataError(f"{folder}: no utterance remains")
    check_entries(entries)
    if folder.exists() and not (folder / "utt2category").is_file():
        raise DataError(f"{folder} was not made here: remove it yourself")
    new = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    utt2spk = {e.key: e.speaker for e in sorted(entries, key=lambda e: e.key)}
    tables = {
        "wav.scp": {e.key: e.wav for e in entries},
        "spk1.scp": {e.key: e.reference for e in entries},
        "text": {e.key: e.text for e in entries},
        "text_spk1": {e.key: e.text for e in entries},
        "utt2spk": utt2spk,
        "spk2utt": utt2spk_to_spk2utt(utt2spk),
        "utt2category": {e.key: e.category for e in entries},
    }
    for name, table in tables.items():
        write_table(new / name, table)
    replace_folder(new, folder)


def write_symbols(path: Path, texts: Iterable[str]) -> None:
    """Write the words in angle brackets, one a line: they are one token each."""
    words = {word for text in texts for word in text.split()}
    symbols = sorted(w for w in words if w.startswith("<") and w.endswith(">"))
    path.write_text("".join(f"{symbol}\n" for symbol in symbols), encoding="utf-8")
