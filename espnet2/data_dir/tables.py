"""Kaldi's tables: reading, writing, and the errors that bad ones raise.

A table is text, one entry a line: an id, white space, a value. Tables are sorted by id
in byte order (``LC_ALL=C sort``) and hold every id once.

Everything here needs the standard library only: the scripts under Kaldi's names
(``fix_data_dir.sh``, ``filter_scp.pl``...) are thin callers of this package.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

Table = dict[str, str]

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


def first_lines(lines: Sequence[str], most: int = 20) -> str:
    """The first lines, each but one indented, and how many more there are."""
    more = [f"... and {len(lines) - most} more"] * (len(lines) > most)
    return "\n  ".join([*lines[:most], *more])


def read_text(path: Path) -> str:
    """The text of a file of a corpus, which may begin with a byte order mark.

    Raises:
        DataError: the file is missing, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason})") from None


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


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a text file beside its place and rename it, so it is never half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
    temporary.replace(path)


def write_table(path: Path, table: Mapping[str, str]) -> None:
    """Write a table sorted by id in byte order."""
    # Code points and UTF-8 bytes sort alike, so Python's order is LC_ALL=C's.
    write_lines(path, (f"{key} {table[key]}".rstrip() for key in sorted(table)))
