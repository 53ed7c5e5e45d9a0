#!/usr/bin/env python3
"""Prints a Kaldi text in the case of a reference, if that has one case only.

A recogniser of another corpus may write small letters where this one has capitals.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import run_cli
from espnet2.results.tables import read_scored


def main(cmd: Sequence[str]) -> None:
    """Print the text."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", type=Path, required=True, help="Kaldi text")
    parser.add_argument("text", type=Path, help="Kaldi text of the same utterances")
    args = parser.parse_args(cmd)
    written = " ".join(read_scored(args.reference).values())
    for key, text in read_scored(args.text).items():
        if written.isupper():
            text = text.upper()
        elif written.islower():
            text = text.lower()
        print(f"{key} {text}".rstrip())


if __name__ == "__main__":
    run_cli(main)
