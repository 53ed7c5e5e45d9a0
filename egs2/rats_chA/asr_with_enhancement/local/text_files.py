"""Reading the corpora's text files so that damage is seen, not passed on."""

from pathlib import Path
from typing import NamedTuple


class SkipError(Exception):
    """Why a session cannot be used; the others can.

    Args:
        status: One word for the tables, such as ``no_audio``.
        detail: A sentence for the user that names the file.
    """

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


class Line(NamedTuple):
    """A line of a text file: ``<file>:<number>`` and the text without its end."""

    where: str
    text: str


def read_text_lines(path: Path) -> tuple[list[Line], list[str]]:
    r"""The lines of a file, without blank ones, and what is odd about the file.

    Lines may end in ``\n`` or ``\r\n``. A last line without an end may have been cut
    off: it is left out and reported.

    Raises:
        SkipError: ``bad_file``, if the file is missing, empty or not UTF-8 text.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SkipError("bad_file", f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        where = f"byte {error.start}"
        raise SkipError("bad_file", f"{path} is not UTF-8 text: {where}") from None
    if "\0" in text or not text.strip():
        what = "holds NUL bytes" if text.strip() else "is empty"
        raise SkipError("bad_file", f"{path} {what}")
    *whole, rest = text.replace("\r\n", "\n").split("\n")
    lines = [Line(f"{path}:{n}", line) for n, line in enumerate(whole, 1)]
    problems = []
    if rest.strip():
        problems = [f"{path}:{len(whole) + 1}: no line end, perhaps cut off: left out"]
    return [line for line in lines if line.text.strip()], problems
