"""Annotations, transcripts and lists of CHiME-4, as they lie in ``data/``.

CHiME-4 (LDC2017S24 is CHiME-3, the same recordings) is licensed. Read are, below the
folder that has ``data/``::

    data/annotations/{tr05,dt05,et05}_{real,simu}.json   objects in a list
    data/annotations/{dt05,et05}_simu_1ch_track.list     which channel is the one
    data/transcriptions/*.dot_all                        <text> (<utterance>)

An utterance is named ``<speaker>_<WSJ name>_<environment>``, ``F01_22GC010A_BUS``.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from espnet2.data_dir.tables import DataError, read_text

RATE = 16000  # Hz, of all audio
ENVIRONMENTS = ("BUS", "CAF", "PED", "STR")
KNOWN_FIELDS = frozenset(
    "speaker wsj_name environment dot wavfile start end noise_wavfile noise_start "
    "noise_end ir_wavfile ir_start ir_end".split()
)
_DOT_LINE = re.compile(r"(.*)\(([^()\s]+)\)$")
_NAME_PART = re.compile(r"[A-Za-z0-9]+")
_TRACK_LINE = re.compile(r"(?:[^/\s]+/)*([^/\s]+)\.CH([0-6])\.wav")


@dataclass(frozen=True)
class Annotation:
    """One utterance of a set."""

    speaker: str  # as the corpus names it
    wsj_name: str  # of the sentence in WSJ0
    environment: str  # BUS, CAF, PED or STR
    recording: str  # that it (real) or its noise (simulated) is cut from, no channel
    start: float  # s, in the recording
    end: float
    dot: str = ""  # its text according to this list, if there is one

    @property
    def name(self) -> str:
        """``<speaker>_<WSJ name>_<environment>``."""
        return f"{self.speaker}_{self.wsj_name}_{self.environment}"

    @property
    def samples(self) -> tuple[int, int]:
        """First sample and the one after the last, from 0."""
        # MATLAB's round, by which the corpus was made: halves go up.
        return math.floor(self.start * RATE + 0.5), math.floor(self.end * RATE + 0.5)


def read_text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield ``(line number, line)`` without blank lines and ``;`` or ``#`` comments.

    White space around a line, so also the carriage return of CRLF, is taken off.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        line = line.strip()
        odd = re.search("[\x00-\x08\x0b-\x1f\x7f]", line)
        if odd is not None:
            raise DataError(f"{path}:{number}: holds the character {odd.group()!r}")
        if line and line[0] not in ";#":
            yield number, line


def _read_matches(
    path: Path, form: re.Pattern, wanted: str
) -> Iterator[tuple[str, str, str]]:
    """Place and two groups of each line; at least one line must have the form."""
    number = None
    for number, line in read_text_lines(path):
        match = form.fullmatch(line)
        if match is None:
            raise DataError(f"{path}:{number}: want '{wanted}', not '{line}'")
        yield f"{path}:{number}", *match.groups()
    if number is None:
        raise DataError(f"{path} holds no line '{wanted}'")


def read_dots(path: Path) -> dict[str, str]:
    """Utterance -> text, not normalised, of a ``.dot`` or ``.dot_all`` file."""
    texts: dict[str, str] = {}
    for where, text, name in _read_matches(path, _DOT_LINE, "<text> (<utterance>)"):
        if texts.setdefault(name, text.strip()) != text.strip():
            raise DataError(f"{where}: {name} has another text above")
    return texts


def read_track_list(path: Path) -> dict[str, int]:
    """Utterance -> channel of the 1-channel track."""
    channels: dict[str, int] = {}
    wanted = "<folder>/<utterance>.CH<channel>.wav"
    for where, name, channel in _read_matches(path, _TRACK_LINE, wanted):
        if name in channels:
            raise DataError(f"{where}: {name} stands above already")
        channels[name] = int(channel)
    return channels


def read_annotations(path: Path, simulated: bool) -> tuple[list[Annotation], set[str]]:
    """Utterances of a set by name, and the fields nothing is known of.

    If it is simulated, times are those of the noise (``noise_wavfile``...).
    """
    try:
        entries = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: want a list of utterances")
    found: dict[str, Annotation] = {}
    unknown: set[str] = set()
    for number, entry in enumerate(entries, 1):
        annotation = _annotation(entry, simulated, f"{path}: utterance {number}")
        if annotation.name in found:
            raise DataError(f"{path}: {annotation.name} stands twice")
        found[annotation.name] = annotation
        unknown |= entry.keys() - KNOWN_FIELDS
    return [found[name] for name in sorted(found)], unknown


def _annotation(entry: object, simulated: bool, where: str) -> Annotation:
    if not isinstance(entry, dict):
        raise DataError(f"{where}: want an object, not {entry!r}")
    prefix = "noise_" if simulated else ""
    names = ["speaker", "wsj_name", "environment", f"{prefix}wavfile"]
    times = [f"{prefix}start", f"{prefix}end"]
    for name in names:
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise DataError(f"{where}: {name}: want text, not {entry.get(name)!r}")
    for name in times:
        value = entry.get(name)
        if not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise DataError(f"{where}: {name}: want seconds, not {value!r}")
    speaker, wsj_name, environment, recording = (entry[name] for name in names)
    for name in (speaker, wsj_name):
        if not _NAME_PART.fullmatch(name):
            raise DataError(f"{where}: '{name}' is no name of letters and digits")
    if environment not in ENVIRONMENTS:
        raise DataError(f"{where}: environment '{environment}': want BUS CAF PED STR")
    start, end = (float(entry[name]) for name in times)
    if not start < end:
        raise DataError(f"{where}: ends at {end:g} s but starts at {start:g} s")
    dot = entry["dot"] if isinstance(entry.get("dot"), str) else ""
    return Annotation(speaker, wsj_name, environment, recording, start, end, dot)
