"""Tables as the templates draw them: columns of cells with a text and a sort value."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from espnet2.results.intervals import Interval

NOTHING = "\u2013"


class Whisker(NamedTuple):
    """A value with its interval, drawn; all from 0 to 100."""

    low: float
    middle: float
    high: float


class Cell(NamedTuple):
    """One cell; ``note`` is set smaller, ``link`` is an element's id."""

    text: str = NOTHING
    value: float | str | None = None
    note: str = ""
    whisker: Whisker | None = None
    link: str = ""


class Column(NamedTuple):
    """One column; ``title`` says in full what ``name`` abbreviates."""

    name: str
    title: str
    cells: list[Cell]
    numeric: bool = True


class Table(NamedTuple):
    """A table; the first cell of a row is its heading."""

    key: str
    caption: str
    columns: list[Column]

    @property
    def rows(self) -> list[tuple[Cell, ...]]:
        """The cells line by line."""
        return list(zip(*(column.cells for column in self.columns), strict=True))


def number(value: float, digits: int, sign: str = "") -> str:
    """Return a number with a true minus sign; a dash of nan."""
    if math.isnan(value):
        return NOTHING
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}".replace("-", "\u2212")


def between(interval: Interval | None, digits: int, sign: str = "") -> str:
    """Return "low to high", "" of no interval."""
    return " to ".join(number(end, digits, sign) for end in interval or ())


def score_cell(
    value: float | None, digits: int, interval: Interval | None = None, sign: str = ""
) -> Cell:
    """Return the cell of a score with its interval, a dash where there is none."""
    if value is None or math.isnan(value):
        return Cell()
    note = between(interval, digits, sign)
    return Cell(number(value, digits, sign), value, note)


def with_whiskers(cells: list[Cell], intervals: list[Interval | None]) -> list[Cell]:
    """Return a column's cells with their intervals drawn to one scale.

    A single one would show nothing, and is left without.
    """
    known = [interval for interval in intervals if interval]
    low = min((interval.low for interval in known), default=0.0)
    width = max((interval.high for interval in known), default=0.0) - low
    if len(known) < 2 or width <= 0:
        return cells
    drawn = []
    for cell, interval in zip(cells, intervals, strict=True):
        if interval:
            ends = (interval.low, cell.value, interval.high)
            places = (round(100 * (end - low) / width, 1) for end in ends)
            cell = cell._replace(whisker=Whisker(*places))
        drawn.append(cell)
    return drawn


def text_cell(text: str, note: str = "", link: str = "") -> Cell:
    """Return a cell that sorts by its text."""
    return Cell(text, text.lower(), note, link=link)


def text_column(name: str, texts: Iterable[str], title: str = "") -> Column:
    """Return a column that sorts by its texts."""
    return Column(name, title, list(map(text_cell, texts)), numeric=False)


def count_column(name: str, counts: Iterable[int | None], title: str = "") -> Column:
    """Return a column of whole numbers."""
    cells = [Cell() if n is None else Cell(str(n), n) for n in counts]
    return Column(name, title, cells)
