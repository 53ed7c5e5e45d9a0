"""Tables of scored utterances, and whole result files: reading, naming, writing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, Table, read_table

SHOWN_IDS = 5  # in a message


def read_scored(path: Path) -> Table:
    """Return utterance -> value of a table in any order, which must not be empty.

    Raises:
        DataError: as `read_table`, or the file is empty.
    """
    table = read_table(path, in_order=False)
    if not table:
        raise DataError(f"{path}: is empty, expected lines '<utterance> <value>'")
    return table


def line_of(table: Table, key: str) -> int:
    """Return the line number that ``key`` has in the file ``table`` was read from."""
    return list(table).index(key) + 1


def to_number(value: str, place: object, hint: str = "") -> float:
    """Return ``value`` as a number; ``place`` says in the error where it stands."""
    try:
        return float(value)
    except ValueError:
        raise DataError(
            f"{place}: expected one number, found '{value}'{hint}"
        ) from None


def require_utterances(
    wanted: Collection[str], tables: Mapping[Path, Collection[str]]
) -> None:
    """Raise a DataError with the first ids unless each table has all that is wanted."""
    complaints = [
        f"{path} lacks {len(missing)} utterance(s): {name_some(missing)}"
        for path, table in tables.items()
        if (missing := set(wanted).difference(table))
    ]
    if complaints:
        raise DataError("; ".join(complaints))


def name_some(keys: Iterable[str]) -> str:
    """Return the first keys in C order as text, with the number left out."""
    ordered = sorted(keys)
    left_out = len(ordered) - SHOWN_IDS
    text = ", ".join(ordered[:SHOWN_IDS])
    return f"{text} and {left_out} more" if left_out > 0 else text


def write_files(texts: Mapping[Path, str]) -> None:
    """Write every file beside its place, then rename all of them in the given order.

    A reader never sees half a file, and when the last file is new, all are.
    """
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        _beside(path).write_bytes(text.encode("utf-8"))
    for path in texts:
        _beside(path).replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a markdown table in the compact form of ESPnet's RESULTS.md."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"|{'|'.join(map(str, line))}|\n" for line in lines)
