"""Reading the corpora's text files so that damage is seen, not passed on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from espnet2.data_dir.tables import DataError, read_text


class SkipError(DataError):
    """Why a session cannot be used: one word for the tables, and a sentence."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@contextmanager
def skip_as(status: str) -> Iterator[None]:
    """Give bad data this status, so that only its session is left out."""
    try:
        yield
    except DataError as error:
        raise SkipError(status, str(error)) from None


def read_text_lines(path: Path) -> tuple[list[tuple[str, str]], list[str]]:
    r"""The lines of a file, without blank ones, and what is odd about the file.

    Each has its place, ``<file>:<number>``, and the text without its end, which may be
    ``\n`` or ``\r\n``. A last line without an end may have been cut off: it is left out
    and reported.
    """
    text = read_text(path)
    if "\0" in text or not text.strip():
        raise DataError(f"{path} {'holds NUL bytes' if text.strip() else 'is empty'}")
    *whole, rest = text.replace("\r\n", "\n").split("\n")
    lines = [(f"{path}:{n}", line) for n, line in enumerate(whole, 1) if line.strip()]
    problems = []
    if rest.strip():
        problems = [f"{path}:{len(whole) + 1}: no line end, perhaps cut off: left out"]
    return lines, problems
