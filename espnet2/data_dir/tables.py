"""Tables of a Kaldi data folder: reading, writing, naming and the errors they raise.

A data folder holds text tables, one entry a line: an id, white space, a value.
``utt2spk``, ``text``, ``text_spk1``, ``wav.scp``, ``spk1.scp``... are keyed by
utterance, except that with a ``segments`` file the ``*.scp`` tables are keyed by
recording. ``spk2utt`` is ``utt2spk`` turned round. Tables are sorted by id in byte
order (``LC_ALL=C sort``) and hold every id once.

Everything here needs the standard library only: the scripts under Kaldi's names
(``fix_data_dir.sh``, ``filter_scp.pl``...) are thin callers of this module.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

Table = dict[str, str]

SCP_NAME = re.compile(r"(wav|spk\d+)\.scp")
UTTERANCE_NAME = re.compile(r"text(_spk\d+)?|utt2\w+|segments")
# Line ends and tabs separate fields; every other control character is an accident.
ODD_CHARACTER = re.compile("[\x00-\x08\x0b-\x1f\x7f\u00a0\ufeff]")


class DataError(ValueError):
    """Bad data of the user; the message is complete and needs no traceback."""


def log(message: str) -> None:
    """Print a line for the user on standard error."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)


def run_cli(main: Callable[[Sequence[str]], None]) -> NoReturn:
    """Run a command-line tool; bad input becomes one line and exit code 1."""
    try:
        main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # the reader is gone: nothing is left to say, nor to flush
    except (DataError, OSError) as error:
        log(f"error: {error}")
        sys.exit(1)
    sys.exit(0)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield ``(line number from 1, line without its end)``.

    Raises:
        DataError: the file is missing, is not UTF-8, or a line has a NUL, a
            carriage return or another character that has no place in a table.
    """
    if not path.exists():  # /dev/stdin exists and is no file
        raise DataError(f"{path} is missing")
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8").rstrip("\n")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}:{number}: not UTF-8 ({error.reason})"
                ) from None
            odd = ODD_CHARACTER.search(line)
            if odd is not None:
                what = repr(odd.group())
                hint = " (Windows line end?)" if odd.group() == "\r" else ""
                raise DataError(f"{path}:{number}: holds the character {what}{hint}")
            yield number, line


def read_entries(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield ``(line number, id, value)``; the value is empty if there is none.

    Raises:
        DataError: as for `read_lines`, or the line starts with white space.
    """
    for number, line in read_lines(path):
        if not line or line[0].isspace():
            raise DataError(f"{path}:{number}: the line has no id")
        key, *value = line.split(maxsplit=1)
        yield number, key, value[0].rstrip() if value else ""


def read_table(path: Path, *, strict: bool = True, in_order: bool = True) -> Table:
    """Read a table into a dictionary in the order of the file.

    Args:
        path: The file.
        strict: Whether the ids must be sorted, and a line must not be repeated.
        in_order: Whether a strict reader wants the ids sorted.

    Raises:
        DataError: an id stands twice (with two values, if not strict), or the
            order is wrong; the message has the file and the line.
    """
    table: Table = {}
    first_line: dict[str, int] = {}
    previous = ""
    for number, key, value in read_entries(path):
        if key in table and (strict or table[key] != value):
            raise DataError(
                f"{path}:{number}: id {key} stands in line {first_line[key]} already"
            )
        if strict and in_order and key < previous:
            raise DataError(
                f"{path}:{number}: {key} after {previous} is not sorted; "
                f"run utils/fix_data_dir.sh {path.parent}"
            )
        table[key] = value
        first_line.setdefault(key, number)
        previous = key
    return table


def replace_folder(new: Path, target: Path) -> None:
    """Put a finished folder in the place of another; this has one or is absent.

    The old one is renamed before it is removed, so that it is never half there.
    """
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a text file beside its place and rename it, so it is never half there."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
    temporary.replace(path)


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Write a table sorted by id in byte order."""
    # Code points and UTF-8 bytes sort alike, so Python's order is LC_ALL=C's.
    write_lines(path, (f"{key} {table[key]}".rstrip() for key in sorted(table)))


def utt2spk_to_spk2utt(utt2spk: Mapping[str, str]) -> Table:
    """Turn utterance -> speaker into speaker -> utterances, in the given order."""
    utterances: dict[str, list[str]] = {}
    for utterance, speaker in utt2spk.items():
        utterances.setdefault(speaker, []).append(utterance)
    return {speaker: " ".join(ids) for speaker, ids in utterances.items()}


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


def utterance_tables(folder: Path, extra: Iterable[str] = ()) -> list[str]:
    """Names of the files in the folder that are keyed by utterance, sorted."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    found = {name for name in names if UTTERANCE_NAME.fullmatch(name)}
    if "segments" not in names:
        found |= {name for name in names if SCP_NAME.fullmatch(name)}
    return sorted(found | (names & set(extra)))


def recording_tables(folder: Path) -> list[str]:
    """Names of the files keyed by recording: the scp files if there are segments."""
    if not (folder / "segments").is_file():
        return []
    return sorted(p.name for p in folder.iterdir() if SCP_NAME.fullmatch(p.name))


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
