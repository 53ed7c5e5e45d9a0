#!/usr/bin/env python3
"""Word, character or token error rate of a decoded set.

Reads Kaldi ``text`` files and writes into ``--outdir``:

* ``ref_spk1.trn``, ``hyp_spk1.trn``: ``<units><TAB>(<speaker>-<utterance>)``;
* ``result.txt``: sclite-like tables per speaker and in sum, percent then counts;
* ``alignments.txt``: every utterance with an error, reference over hypothesis;
* ``score.json``: the sums, written last (``error_rate`` is a fraction).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, Table, run_cli
from espnet2.results.sclite import score
from espnet2.results.tables import (
    line_of,
    read_scored,
    require_utterances,
    write_files,
)
from espnet2.results.units import Units, make_cutter, read_units, scored_part


def main(cmd: Sequence[str]) -> None:
    """Score one hypothesis file against its reference."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", type=Path, required=True, help="Kaldi text")
    parser.add_argument("--hypothesis", type=Path, required=True, help="Kaldi text")
    parser.add_argument("--unit", choices=("word", "char", "token"), required=True)
    parser.add_argument("--bpemodel", type=Path, help="sentencepiece, for unit token")
    parser.add_argument("--cleaner", default="none", help="espnet2's, for both texts")
    parser.add_argument(
        "--nlsyms_txt", default="none", help="file of words not scored, or none"
    )
    parser.add_argument("--utt2spk", type=Path, required=True)
    parser.add_argument("--outdir", type=Path, required=True)
    args = parser.parse_args(cmd)

    symbols = args.nlsyms_txt if args.unit != "token" else "none"
    cut = scored_part(make_cutter(args.unit, args.bpemodel), args.cleaner, symbols)
    reference = read_units(args.reference, cut, demand_units=True)
    hypothesis = read_units(args.hypothesis, cut, demand_units=False)
    require_utterances(
        reference.keys() | hypothesis.keys(),
        {args.hypothesis: hypothesis, args.reference: reference},
    )
    speaker_of = read_speakers(args.utt2spk, reference)
    texts = score(reference, hypothesis, speaker_of, args.unit)
    write_files({args.outdir / name: text for name, text in texts.items()})


def read_speakers(path: Path, utterances: Units) -> Table:
    """Return utterance -> speaker for all utterances, from a Kaldi ``utt2spk``."""
    speakers = read_scored(path)
    require_utterances(utterances, {path: speakers})
    for utterance in utterances:
        if len(speakers[utterance].split()) != 1:
            raise DataError(
                f"{path}:{line_of(speakers, utterance)}: expected "
                f"'<utterance> <speaker>', '{utterance}' has '{speakers[utterance]}'"
            )
    return speakers


if __name__ == "__main__":
    run_cli(main)
