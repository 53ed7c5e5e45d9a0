#!/usr/bin/env python3
"""Prints the share of noisy speech with which a recogniser makes the fewest errors."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import run_cli
from espnet2.results.recognisers import best_share, tried_shares


def main(cmd: Sequence[str]) -> None:
    """Choose by what was tried on the validation set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recogniser", type=Path, help="<experiment>/recognisers/<name>")
    print(best_share(tried_shares(parser.parse_args(cmd).recogniser)))


if __name__ == "__main__":
    run_cli(main)
