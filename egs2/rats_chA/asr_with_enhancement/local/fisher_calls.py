"""Fisher English (LDC2004T19, LDC2005T19): transcripts and who speaks in each call.

The licence is LDC's. Below the folders that are named, at any depth::

    trans/<NNN>/fe_03_<NNNNN>.txt     utterances; nothing below bbn_orig/ is read
    doc/fe_03_p{1,2}_calldata.tbl     CSV: call, ..., PIN of side A, ..., PIN of side B

A transcript begins with ``# fe_03_<NNNNN>.sph``; then come lines
``<start s> <end s> <A|B>: <text>`` with two decimals, in any order of time.
"""

import re
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from text_files import read_text_lines, skip_as

from espnet2.data_dir.folders import walk_files
from espnet2.data_dir.tables import DataError

UTTERANCE = re.compile(r"\s*(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)\s+([AB])\s*:(.*)")
TRANSCRIPT = re.compile(r"/trans/\d{3}/fe_03_(\d{5})\.txt$")
CALLDATA = re.compile(r"fe_03_p[12]_calldata\.tbl")
LAST_OF_PART_1 = 5850  # call id
CALLDATA_COLUMNS = 15
PIN_A, PIN_B = 5, 10  # columns


class Utterance(NamedTuple):
    """A transcript line; times in hundredths of a second from the call's start."""

    start: int
    end: int
    side: str
    text: str


class FisherFiles(NamedTuple):
    """Transcripts by call id, all tables of calls, and what is odd."""

    transcripts: dict[str, Path]
    calldata: list[Path]
    problems: list[str]


def find_fisher_files(roots: list[Path]) -> FisherFiles:
    """Find the files below the roots."""
    files = FisherFiles({}, [], [])
    for root in roots:
        if not root.is_dir():
            raise DataError(f"FISHER={root} in db.sh is not a folder")
        for path in walk_files([root], leave_out="bbn_orig"):
            transcript = TRANSCRIPT.search(path.as_posix())
            if transcript:
                _add_transcript(files, transcript[1], path)
            elif CALLDATA.fullmatch(path.name):
                files.calldata.append(path)
    where = ", ".join(map(str, roots))
    if not files.transcripts:
        raise DataError(f"no trans/<NNN>/fe_03_<NNNNN>.txt below FISHER={where}")
    tables = {path.name for path in files.calldata}
    for name, first, last in (("p1", 0, LAST_OF_PART_1), ("p2", LAST_OF_PART_1, 99999)):
        table = f"fe_03_{name}_calldata.tbl"
        has_calls = any(first < int(call) <= last for call in files.transcripts)
        if has_calls and table not in tables:
            what = "it says who speaks in calls that have transcripts there"
            raise DataError(f"{table} is missing below FISHER={where}; {what}")
    return files


def _add_transcript(files: FisherFiles, call: str, path: Path) -> None:
    known = files.transcripts.setdefault(call, path)
    if known != path and known.read_bytes() != path.read_bytes():
        files.problems.append(f"{path} is not the same as {known}, which is used")


def read_speakers(paths: list[Path]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """PIN of each side of each call, and the bad lines."""
    pins: dict[str, dict[str, str]] = {}
    problems: list[str] = []
    for path in paths:
        lines, odd = read_text_lines(path)
        problems += odd
        for number, (where, text) in enumerate(lines):
            fields = [field.strip() for field in text.split(",")]
            if number == 0 and not re.fullmatch(r"\d{5}", fields[0]):
                continue  # the header
            sides = {}
            if len(fields) == CALLDATA_COLUMNS:
                sides = {"A": fields[PIN_A], "B": fields[PIN_B]}
            good = all(re.fullmatch(r"\d+", n) for n in (fields[0], *sides.values()))
            if not sides or not good or pins.setdefault(fields[0], sides) != sides:
                problems.append(f"{where}: '{text[:60]}' is not used: bad or a repeat")
    if not pins:
        raise DataError(f"{paths[0]} has no line with a call and two PINs")
    return pins, problems


def centiseconds(stamp: str, kaldi_truncate: bool) -> int:
    """Hundredths of a second of a time stamp such as ``0.29`` (s), exactly.

    With ``kaldi_truncate`` the binary product is cut off, here to 28, as Kaldi does.
    """
    return int((float(stamp) if kaldi_truncate else Decimal(stamp)) * 100)


@skip_as("bad_transcript")
def read_transcript(
    path: Path, kaldi_truncate: bool
) -> tuple[list[Utterance], list[str]]:
    """The utterances of a call, sorted by time, and the lines that are none.

    The file must name its own call first, and hold an utterance.
    """
    lines, problems = read_text_lines(path)
    if not re.match(rf"#\s*{path.stem}\b", lines[0][1] if lines else ""):
        raise DataError(f"{path}: want '# {path.stem}.sph' as the first line")
    utterances = set()
    for where, text in lines[1:]:
        match = UTTERANCE.fullmatch(text)
        if text.startswith("#"):
            continue
        if not match:
            problems.append(f"{where}: '{text[:60]}' is no utterance: left out")
            continue
        start, end = (centiseconds(match[n], kaldi_truncate) for n in (1, 2))
        if start >= end:
            problems.append(f"{where}: ends at {match[2]} before it begins: left out")
            continue
        utterances.add(Utterance(start, end, match[3], match[4].strip()))
    if not utterances:
        raise DataError(f"{path} holds no utterance")
    return sorted(utterances), problems
