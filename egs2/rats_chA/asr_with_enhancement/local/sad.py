"""Speech activity tables of RATS: speech, silence and what was not transmitted.

Twelve columns separated by tabs, some empty; used are start and end in seconds and
the label: S speech, NS silence; on a channel also NT (the button was not pressed) and
RX (the carrier was lost). A label that is not known counts as not transmitted.
"""

from pathlib import Path
from typing import NamedTuple

from text_files import read_text_lines, skip_as

from espnet2.data_dir.tables import DataError

JOIN = 0.0015  # s; a gap up to this between two rows is rounding


class Row(NamedTuple):
    """A stretch of a recording, in seconds, and its label."""

    start: float
    end: float
    label: str


class Interval(NamedTuple):
    """Start and end in seconds."""

    start: float
    end: float

    def later(self, seconds: float) -> "Interval":
        """The same stretch on a time scale that is so much later."""
        return Interval(self.start + seconds, self.end + seconds)


@skip_as("bad_sad")
def read_sad(path: Path) -> list[Row]:
    """The rows of a SAD table, in order of time, none of which may overlap."""
    lines, problems = read_text_lines(path)
    if problems:
        raise DataError(problems[0])
    rows: list[Row] = []
    for number, (where, text) in enumerate(lines):
        fields = text.split("\t")
        try:
            row = Row(float(fields[2]), float(fields[3]), fields[4].strip())
            good = len(fields) >= 6 and 0 <= row.start <= row.end < float("inf")
        except (ValueError, IndexError):
            if number == 0 and len(fields) >= 6:
                continue  # a header
            good = False
        if not good or not row.label:
            raise DataError(f"{where}: '{text}' is no SAD row")
        if rows and row.start < rows[-1].end - JOIN:
            raise DataError(f"{where}: begins before the row above ends")
        rows.append(row)
    if not rows:
        raise DataError(f"{path} has no rows")
    return rows


def speech_runs(rows: list[Row]) -> list[Interval]:
    """Maximal stretches of rows that are not NS, which on ``src`` is the speech.

    NT and RX only ever divide speech, so a stretch on the channel is one stretch of
    the source, shifted in time.
    """
    runs: list[Interval] = []
    for start, end, label in rows:
        if label == "NS":
            continue
        if runs and start - runs[-1].end <= JOIN:
            runs[-1] = Interval(runs[-1].start, end)
        else:
            runs.append(Interval(start, end))
    return runs


def inner_runs(rows: list[Row]) -> list[Interval]:
    """`speech_runs` without those that the ends of the table may have cut."""
    first, last = rows[0].start, rows[-1].end
    return [
        run
        for run in speech_runs(rows)
        if run.start > first + JOIN and run.end < last - JOIN
    ]


def not_transmitted(rows: list[Row], within: Interval) -> list[Interval]:
    """Stretches of ``within`` that no S or NS row covers, longer than rounding."""
    gaps: list[Interval] = []
    position = within.start
    for start, end, label in rows:
        if label not in ("S", "NS") or end <= position:
            continue
        if start >= within.end:
            break
        if start - position > JOIN:
            gaps.append(Interval(position, start))
        position = end
    if within.end - position > JOIN:
        gaps.append(Interval(position, within.end))
    return gaps


def overlap(a: Interval, b: Interval) -> float:
    """Seconds that two intervals share."""
    return max(0.0, min(a.end, b.end) - max(a.start, b.start))
