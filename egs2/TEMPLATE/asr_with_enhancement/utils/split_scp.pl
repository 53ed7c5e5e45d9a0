#!/usr/bin/env python3
"""Cut a table into contiguous parts: split_scp.pl <table> <part 1> ... <part N>.

The parts differ by one line at most. Python under the name that Kaldi's users and
scripts know; `--utt2spk` and `-j` of Kaldi's script are not here.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, read_lines, run_cli, write_lines


def split_evenly(lines: Sequence[str], parts: int) -> list[Sequence[str]]:
    """Contiguous parts whose sizes differ by one at most, the longer ones first.

    Raises:
        DataError: there are fewer lines than parts.
    """
    if len(lines) < parts:
        raise DataError(f"cannot cut {len(lines)} lines into {parts} parts")
    size, longer = divmod(len(lines), parts)
    ends = [size * (n + 1) + min(n + 1, longer) for n in range(parts)]
    return [lines[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def main(arguments: Sequence[str]) -> None:
    """Write the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("parts", nargs="+", type=Path)
    args = parser.parse_args(arguments)
    lines = [line for _, line in read_lines(args.table)]
    try:
        parts = split_evenly(lines, len(args.parts))
    except DataError as error:
        raise DataError(f"{args.table}: {error}") from None
    for path, part in zip(args.parts, parts, strict=True):
        write_lines(path, part)


if __name__ == "__main__":
    run_cli(main)
