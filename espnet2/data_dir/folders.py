"""Folders looked through, and folders made whole: filled beside their place.

A data folder of a corpus is made from a record of each utterance by `write_data_dir`.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from espnet2.data_dir.layout import write_tables
from espnet2.data_dir.tables import DataError


@dataclass(frozen=True)
class Entry:
    """An utterance: a line of each table."""

    key: str  # its id, which begins with the speaker
    speaker: str
    text: str
    wav: str  # noisy audio: a path, or a pipe
    reference: str  # clean audio, or `wav` again where there is none


def walk_files(roots: Iterable[Path], leave_out: str = "") -> Iterator[Path]:
    """All files below the folders, links followed, in a fixed order.

    Nothing below a folder called ``leave_out`` is among them.
    """
    for root in roots:
        for folder, folders, names in os.walk(root, followlinks=True):
            folders[:] = sorted(name for name in folders if name != leave_out)
            for name in sorted(names):
                yield Path(folder, name)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder, and put it in the place of ``target`` once it is filled.

    It is ``.<name>.tmp`` beside the target, which stays as it was if filling it fails.
    """
    new = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    yield new
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)  # before it is removed, so that it is never half there
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def check_replaceable(folder: Path, own_file: str) -> None:
    """Raise a `DataError` unless the folder is absent, empty or made here.

    Every folder that we make in its place holds ``own_file``.
    """
    if not folder.exists() or (folder / own_file).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise DataError(
            f"{folder} exists and holds no {own_file}, so it was not made here; "
            "name another folder or remove it yourself"
        )


def read_marker(path: Path) -> dict | None:
    """The JSON file that says a folder is finished; None if it is not."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None


def write_data_dir(
    folder: Path,
    entries: Sequence[Entry],
    own_file: str = "wav.scp",
    **more: Mapping[str, object],
) -> None:
    """Write the tables of a data folder in the place of what was written before.

    Args:
        folder: The data folder.
        entries: Its utterances, every id once.
        own_file: What a folder must hold to be replaced.
        more: Further tables by their names, such as ``utt2category``.

    Raises:
        DataError: there are no utterances, or one stands twice, or the folder holds
            something else.
    """
    if not entries:
        raise DataError(f"{folder}: no utterance remains")
    check_replaceable(folder, own_file)
    texts = {e.key: e.text for e in entries}
    if len(texts) < len(entries):
        raise DataError(f"{folder}: an utterance stands twice")
    tables = {
        "wav.scp": {e.key: e.wav for e in entries},
        "spk1.scp": {e.key: e.reference for e in entries},
        "text": texts,
        "text_spk1": texts,
        "utt2spk": {e.key: e.speaker for e in entries},
        **more,
    }
    with whole_folder(folder) as new:
        write_tables(new, tables)
