#!/usr/bin/env python3
"""Cut a table into contiguous parts: split_scp.pl <table> <part 1> ... <part N>.

The parts differ by one line at most, the longer ones first. Python under the name that
Kaldi's users and scripts know; `--utt2spk` and `-j` of Kaldi's script are not here.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, read_lines, run_cli, write_lines


def main(arguments: Sequence[str]) -> None:
    """Write the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("parts", nargs="+", type=Path)
    args = parser.parse_args(arguments)
    lines = [line for _, line in read_lines(args.table)]
    count = len(args.parts)
    if len(lines) < count:
        what = f"cannot cut {len(lines)} lines into {count} parts"
        raise DataError(f"{args.table}: {what}")
    size, longer = divmod(len(lines), count)
    start = 0
    for number, path in enumerate(args.parts):
        end = start + size + (number < longer)
        write_lines(path, lines[start:end])
        start = end


if __name__ == "__main__":
    run_cli(main)
