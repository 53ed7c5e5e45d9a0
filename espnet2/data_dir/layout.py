"""Which tables a data folder has, what keys them, and speakers turned round.

``utt2spk``, ``text``, ``text_spk1``, ``wav.scp``, ``spk1.scp``... are keyed by
utterance, except that with a ``segments`` file the ``*.scp`` tables are keyed by
recording. ``spk2utt`` is ``utt2spk`` turned round.
"""

import argparse
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from espnet2.data_dir.tables import (
    DataError,
    Table,
    read_table,
    run_cli,
    write_table,
)

SCP_NAME = re.compile(r"(wav|spk\d+)\.scp")
UTTERANCE_NAME = re.compile(r"text(_spk\d+)?|utt2\w+|segments")


def scp_tables(folder: Path) -> list[str]:
    """Names of the tables of audio in the folder, sorted."""
    return sorted(p.name for p in folder.iterdir() if SCP_NAME.fullmatch(p.name))


def utterance_tables(folder: Path, extra: Iterable[str] = ()) -> list[str]:
    """Names of the files in the folder that are keyed by utterance, sorted."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    found = {name for name in names if UTTERANCE_NAME.fullmatch(name)}
    if "segments" not in names:
        found |= {name for name in names if SCP_NAME.fullmatch(name)}
    return sorted(found | (names & set(extra)))


def recording_tables(folder: Path) -> list[str]:
    """Names of the files keyed by recording: the scp files if there are segments."""
    return scp_tables(folder) if (folder / "segments").is_file() else []


def require_folder(folder: Path) -> None:
    """Raise a `DataError` unless the folder exists and holds ``utt2spk``."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    if not (folder / "utt2spk").is_file():
        raise DataError(f"{folder}/utt2spk is missing: is this a data folder?")


def parse_segment(value: str, where: str) -> tuple[str, float, float]:
    """Split the value of a ``segments`` line into recording, start and end (s).

    Raises:
        DataError: not three fields, not numbers, or not ``0 <= start < end``.
    """
    fields = value.split()
    try:
        recording, start, end = fields[0], float(fields[1]), float(fields[2])
    except (IndexError, ValueError):
        raise DataError(
            f"{where}: '{value}' is not '<recording> <start s> <end s>'"
        ) from None
    if not (len(fields) == 3 and 0 <= start < end < float("inf")):
        raise DataError(f"{where}: want 0 <= start < end, not {start:g} and {end:g}")
    return recording, start, end


def utt2spk_to_spk2utt(utt2spk: Mapping[str, str]) -> Table:
    """Turn utterance -> speaker into speaker -> utterances, in the given order."""
    utterances: dict[str, list[str]] = {}
    for utterance, speaker in utt2spk.items():
        utterances.setdefault(speaker, []).append(utterance)
    return {speaker: " ".join(ids) for speaker, ids in utterances.items()}


def write_tables(folder: Path, tables: Mapping[str, Mapping[str, object]]) -> None:
    """Write the tables of a data folder, and ``spk2utt``, made from ``utt2spk``."""
    for name, table in tables.items():
        write_table(folder / name, table)
    utt2spk = dict(sorted(tables["utt2spk"].items()))
    write_table(folder / "spk2utt", utt2spk_to_spk2utt(utt2spk))


def spk2utt_to_utt2spk(spk2utt: Mapping[str, str]) -> Table:
    """Turn speaker -> utterances into utterance -> speaker.

    Raises:
        DataError: an utterance is given to two speakers.
    """
    utt2spk: Table = {}
    for speaker, utterances in spk2utt.items():
        for utterance in utterances.split():
            if utterance in utt2spk:
                raise DataError(
                    f"utterance {utterance} belongs to the speakers "
                    f"{utt2spk[utterance]} and {speaker}"
                )
            utt2spk[utterance] = speaker
    return utt2spk


def run_converter(doc: str, name: str, convert: Callable[[Table], Table]) -> NoReturn:
    """Run a tool that prints what ``convert`` makes of the table called ``name``."""

    def main(arguments: Sequence[str]) -> None:
        parser = argparse.ArgumentParser(description=doc)
        parser.add_argument("table", metavar=name, nargs="?", default="/dev/stdin")
        table = read_table(Path(parser.parse_args(arguments).table), strict=False)
        for key, value in convert(table).items():
            print(key, value)

    run_cli(main)
