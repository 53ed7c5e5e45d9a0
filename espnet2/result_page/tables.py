"""What the stages left behind, read back: Kaldi tables, scored units, means."""

from collections.abc import Iterable
from pathlib import Path


def c_order(keys: Iterable[str]) -> list[str]:
    """Return the keys sorted by their bytes, as ``LC_ALL=C sort`` does."""
    return sorted(keys, key=str.encode)


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a UTF-8 file, which end at ``\n`` only.

    Raises:
        ValueError: the file cannot be read or is not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8 text") from None
    return text.removesuffix("\n").split("\n") if text else []


def read_table(path: Path) -> dict[str, str]:
    """Return key -> rest of the line of a file of ``<key> <value>`` lines.

    Raises:
        ValueError: as ``read_lines``, or a line is blank or repeats a key.
    """
    table: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        fields = line.split(maxsplit=1)
        if not fields:
            raise ValueError(f"{path}:{number}: is blank, not '<utterance> <value>'")
        if fields[0] in table:
            raise ValueError(f"{path}:{number}: '{fields[0]}' stands here again")
        table[fields[0]] = fields[1].strip() if len(fields) == 2 else ""
    return table


def read_numbers(path: Path) -> dict[str, float]:
    """Return key -> number of a file of ``<key> <number>`` lines.

    Raises:
        ValueError: as ``read_table``, or a value is not one number.
    """
    try:
        return {key: float(value) for key, value in read_table(path).items()}
    except ValueError as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path}: {error}; run stage 15 again") from None


def read_units(path: Path, utterances: list[str]) -> list[str]:
    """Return the scored units of each utterance from a ``.trn`` file of stage 14.

    Args:
        path: lines of ``<units><TAB>(<speaker>-<utterance>)``, in C order.
        utterances: their ids, in C order.

    Returns:
        The units, joined by single spaces.

    Raises:
        ValueError: as ``read_lines``, or the lines are of other utterances.
    """
    lines = read_lines(path)
    if len(lines) != len(utterances):
        raise ValueError(
            f"{path}: has {len(lines)} utterances, the decoded text "
            f"{len(utterances)}; run stage 14 again"
        )
    units = []
    for number, (line, utterance) in enumerate(zip(lines, utterances, strict=True), 1):
        text, _, tag = line.rpartition("\t")
        if not tag.endswith(f"-{utterance})"):
            raise ValueError(
                f"{path}:{number}: is not of '{utterance}'; run stage 14 again"
            )
        units.append(text)
    return units
