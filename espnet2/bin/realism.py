"""Say how a corpus's clean references stand to its noisy recordings.

usage: python -m espnet2.bin.realism data/train [data/test ...]

A folder holds the four files of docs/own_data.md. Prints a column for each, with the
median (lowest to highest) over some 200 utterances that have a reference.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import run_cli
from espnet2.radio.realism import realism_report


def main(arguments: Sequence[str]) -> None:
    """Print the figures of some data folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("folders", nargs="+", type=Path, metavar="data/SET", help="a data folder")
    print(realism_report(parser.parse_args(arguments).folders))


if __name__ == "__main__":
    run_cli(main)
