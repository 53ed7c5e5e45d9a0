#!/usr/bin/env python3
"""Write spk2utt, made from utt2spk: utt2spk_to_spk2utt.pl [utt2spk] > spk2utt.

Python under the name that Kaldi's users and scripts know.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import read_table, run_cli, utt2spk_to_spk2utt


def main(arguments: Sequence[str]) -> None:
    """Print one line a speaker, in the order of the first utterances."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("utt2spk", nargs="?", type=Path, default="/dev/stdin")
    args = parser.parse_args(arguments)
    spk2utt = utt2spk_to_spk2utt(read_table(args.utt2spk, strict=False))
    for speaker, utterances in spk2utt.items():
        print(speaker, utterances)


if __name__ == "__main__":
    run_cli(main)
