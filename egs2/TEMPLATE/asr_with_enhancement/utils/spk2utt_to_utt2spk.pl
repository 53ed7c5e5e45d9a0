#!/usr/bin/env python3
"""Write utt2spk, made from spk2utt: spk2utt_to_utt2spk.pl [spk2utt] > utt2spk.

Python under the name that Kaldi's users and scripts know.
"""

from espnet2.data_dir.layout import run_converter, spk2utt_to_utt2spk

if __name__ == "__main__":
    run_converter(__doc__, "spk2utt", spk2utt_to_utt2spk)
