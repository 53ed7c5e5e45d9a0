#!/usr/bin/env python3
"""Says what is wrong with a grammar for PocketSphinx, or that the latter is missing."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.audio import parse_rate
from espnet2.data_dir.resampling import tell_resampling
from espnet2.data_dir.tables import run_cli
from espnet2.transcription.sphinx import NAME, RATE, Sphinx


def main(cmd: Sequence[str]) -> None:
    """Open the grammar as decoding will."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", required=True, help="rate of the data: 8000, 8k...")
    parser.add_argument("grammar", type=Path, help="JSGF")
    args = parser.parse_args(cmd)
    Sphinx(args.grammar)
    tell_resampling(NAME, RATE, parse_rate(args.fs))


if __name__ == "__main__":
    run_cli(main)
