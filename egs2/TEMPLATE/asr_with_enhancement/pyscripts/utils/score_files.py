"""Kaldi-style tables in, whole result files out: shared by the scoring scripts."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


class ScoreError(Exception):
    """Input that cannot be scored; the message is one line meant for the user."""


def read_table(path: Path) -> dict[str, str]:
    r"""Return key -> rest of the line of a UTF-8 file of ``<key> <value>`` lines.

    Lines end at ``\n`` only, so that Unicode separators inside a transcript do not
    break it. The value has no white space at its ends and is "" for a lone key.

    Raises:
        ScoreError: the file cannot be read, is empty, or a line is blank, is not
            UTF-8 or repeats a key.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise ScoreError(f"{path}: cannot be read: {error.strerror}") from None
    if lines[-1] == b"":
        lines.pop()
    table: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        key, value = _split_line(line, f"{path}:{number}")
        if key in table:
            raise ScoreError(f"{path}:{number}: '{key}' stands here a second time")
        table[key] = value
    if not table:
        raise ScoreError(f"{path}: is empty, expected lines '<utterance> <value>'")
    return table


def _split_line(line: bytes, place: str) -> tuple[str, str]:
    try:
        fields = line.decode("utf-8").split(maxsplit=1)
    except UnicodeDecodeError:
        raise ScoreError(f"{place}: is not UTF-8 text") from None
    if not fields:
        raise ScoreError(f"{place}: is a blank line, expected '<utterance> <value>'")
    return fields[0], fields[1].strip() if len(fields) == 2 else ""


def line_of(table: dict[str, str], key: str) -> int:
    """Return the line number that ``key`` has in the file ``table`` was read from."""
    return list(table).index(key) + 1


def to_number(value: str, place: str) -> float:
    """Return ``value`` as a number; ``place`` says in the error where it stands."""
    try:
        return float(value)
    except ValueError:
        raise ScoreError(f"{place}: expected one number, found '{value}'") from None


def c_order(keys: Iterable[str]) -> list[str]:
    """Return the keys sorted by their bytes, as ``LC_ALL=C sort`` does."""
    return sorted(keys, key=str.encode)


def name_some(keys: Iterable[str], at_most: int = 5) -> str:
    """Return the first keys in C order as text, with the number left out."""
    keys = c_order(keys)
    text = ", ".join(keys[:at_most])
    left_out = len(keys) - at_most
    return f"{text} and {left_out} more" if left_out > 0 else text


def write_files(texts: dict[Path, str]) -> None:
    """Write every file beside its place, then rename all of them in the given order.

    A reader never sees half a file, and when the last file is new, all are.
    """
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        _beside(path).write_bytes(text.encode("utf-8"))
    for path in texts:
        _beside(path).replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".tmp")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a markdown table in the compact form of ESPnet's RESULTS.md."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"|{'|'.join(map(str, line))}|\n" for line in lines)


def run_tool(main: Callable[[], None]) -> None:
    """Run ``main``; on bad input print one line to stderr and exit with code 1."""
    try:
        main()
    except ScoreError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: error: {error}")
    except OSError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: error: {error.filename}: {error.strerror}")
