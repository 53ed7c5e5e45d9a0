"""The RATS corpus (LDC2015S02): its folder, its two tables of sessions, its files.

The licence is LDC's. Below the folder that is named, or one folder deeper
(``RATS_SAD/``), are expected::

    docs/source_file_info.tab docs/retrans_fileset_info.tab
    data/train/{audio,sad}/<language>/{src,A}/*.{flac,tab}
    data/{dev-1,dev-2}/{audio,sad}/{src,A}/*.{flac,tab}

A source is one side of a telephone call, ``<source>_eng_src``; its recording after
the radio link is ``<source>_<session>_eng_A``. Tables may have a header or none.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from text_files import SkipError, read_text_lines

from espnet2.data_dir.tables import DataError

PARTS = ("train", "dev-1", "dev-2")


class Source(NamedTuple):
    """A line of ``source_file_info.tab``; ``minutes`` is the length of the file."""

    src_id: str
    corpus: str
    language: str
    src_file: str
    minutes: float
    part: str


class Transmission(NamedTuple):
    """A line of ``retrans_fileset_info.tab``; channels is like ``A_CDEFGH``."""

    src_id: str
    session_id: str
    channels: str
    part: str


Row = TypeVar("Row", Source, Transmission)


def find_rats_root(folder: Path) -> Path:
    """The folder itself or the one below it that has ``data/`` and ``docs/``."""
    if not folder.is_dir():
        raise DataError(f"RATS={folder} in db.sh is not a folder")
    candidates = [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]
    found = [p for p in candidates if all((p / n).is_dir() for n in ("data", "docs"))]
    if folder in found:
        return folder
    if len(found) != 1:
        raise DataError(
            f"RATS={folder} in db.sh: want one folder with data/ and docs/ there or "
            f"one level below, found {len(found)}"
        )
    return found[0]


def read_sources(path: Path) -> tuple[dict[str, Source], list[str]]:
    """``source_file_info.tab`` by source id, and its bad lines."""
    return _read_table(path, 6, _source)


def read_transmissions(path: Path) -> tuple[dict[str, Transmission], list[str]]:
    """``retrans_fileset_info.tab`` by source id, and its bad lines."""
    return _read_table(path, 5, _transmission)


def _source(fields: list[str]) -> Source:
    try:
        return Source(*fields[:4], float(fields[4]), fields[5])
    except ValueError:
        raise DataError(f"'{fields[4]}' is not a number of minutes") from None


def _transmission(fields: list[str]) -> Transmission:
    session_id, _, _, channels, part = fields
    if not re.fullmatch(r"\d{5}_\d{5}", session_id):
        raise DataError(f"'{session_id}' is not <source>_<session>")
    if not re.fullmatch(r"[A_][B_][C_][D_][E_][F_][G_][H_]", channels):
        raise DataError(f"channels '{channels}' is not like ABC_EFGH")
    return Transmission(session_id[:5], session_id, channels, part)


def _read_table(
    path: Path, columns: int, parse: Callable[[list[str]], Row]
) -> tuple[dict[str, Row], list[str]]:
    """What ``parse`` makes of each line with an id, by source id, and the bad lines."""
    lines, problems = read_text_lines(path)
    table: dict[str, Row] = {}
    for number, (where, text) in enumerate(lines):
        fields = [field.strip() for field in text.split("\t")]
        has_id = re.match(r"\d{5}(_|$)", fields[0])
        if number == 0 and not has_id:
            continue  # the header
        try:
            if not has_id:
                raise DataError(f"'{fields[0]}' does not begin with an id")
            if len(fields) != columns:
                raise DataError(f"{len(fields)} columns, expected {columns}")
            row = parse(fields)
            if row.part not in PARTS:
                raise DataError(f"part '{row.part}' is none of {PARTS}")
            if row.src_id in table:
                raise DataError(f"source {row.src_id} stands above already: left out")
            table[row.src_id] = row
        except DataError as error:
            problems.append(f"{where}: {error}")
    if not table:
        first = f"; first problem: {problems[0]}" if problems else ""
        raise DataError(f"{path} has no line that can be used{first}")
    return table, problems


def find_file(root: Path, part: str, kind: str, name: str) -> Path:
    """Path of an audio or SAD file of English; in dev there is no language folder.

    The kind is ``audio`` or ``sad``; the name, such as ``10001_eng_src``, has no
    extension. A `SkipError` says that there is no such file.
    """
    channel = name.rsplit("_", 1)[1]
    file = name + {"audio": ".flac", "sad": ".tab"}[kind]
    folder = root / "data" / part / kind
    for path in (folder / "eng" / channel / file, folder / channel / file):
        if path.is_file():
            return path
    raise SkipError(f"no_{kind}", f"{folder}/[eng/]{channel}/{file} is missing")
