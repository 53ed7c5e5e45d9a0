#!/usr/bin/env python3
"""Write spk2utt, made from utt2spk: utt2spk_to_spk2utt.pl [utt2spk] > spk2utt.

Python under the name that Kaldi's users and scripts know.
"""

from espnet2.data_dir.layout import run_converter, utt2spk_to_spk2utt

if __name__ == "__main__":
    run_converter(__doc__, "utt2spk", utt2spk_to_spk2utt)
