#!/usr/bin/env python3
"""Print the lines whose id is listed: filter_scp.pl [options] <ids> [table] > out.

The ids are the first words of the lines of <ids>; the order of the table is kept.
Python under the name that Kaldi's users and scripts know.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, read_entries, read_lines, run_cli


def main(arguments: Sequence[str]) -> None:
    """Print the lines to keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exclude", action="store_true", help="keep the others")
    parser.add_argument("-f", type=int, default=1, help="column of the id, from 1")
    parser.add_argument("ids", type=Path)
    parser.add_argument("table", nargs="?", type=Path, default="/dev/stdin")
    args = parser.parse_args(arguments)
    wanted = {key for _, key, _ in read_entries(args.ids)}
    for number, line in read_lines(args.table):
        fields = line.split()
        if not 1 <= args.f <= len(fields):
            raise DataError(f"{args.table}:{number}: there is no column {args.f}")
        if (fields[args.f - 1] in wanted) != args.exclude:
            print(line)


if __name__ == "__main__":
    run_cli(main)
