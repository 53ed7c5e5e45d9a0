#!/usr/bin/env python3
"""Write utt2spk, made from spk2utt: spk2utt_to_utt2spk.pl [spk2utt] > utt2spk.

Python under the name that Kaldi's users and scripts know.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import read_table, run_cli, spk2utt_to_utt2spk


def main(arguments: Sequence[str]) -> None:
    """Print one line an utterance, in the order of the speakers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spk2utt", nargs="?", type=Path, default="/dev/stdin")
    args = parser.parse_args(arguments)
    utt2spk = spk2utt_to_utt2spk(read_table(args.spk2utt, strict=False))
    for utterance, speaker in utt2spk.items():
        print(utterance, speaker)


if __name__ == "__main__":
    run_cli(main)
