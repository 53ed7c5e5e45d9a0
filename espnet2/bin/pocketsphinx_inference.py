#!/usr/bin/env python3
"""Decode with PocketSphinx on a grammar; the options are as of recogniser_inference.

Writes ``1best_recog/text`` below the output folder.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.audio import iterate_audio
from espnet2.data_dir.tables import log, read_table, run_cli, write_table
from espnet2.transcription.hearing import (
    Hearing,
    add_hearing_options,
    take_hearing_options,
)
from espnet2.transcription.sphinx import RATE, Sphinx


def main(cmd: Sequence[str]) -> None:
    """Decode the utterances of a list."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wav_scp", type=Path, required=True)
    parser.add_argument("--key_file", type=Path, required=True, help="utterances")
    parser.add_argument("--grammar", type=Path, required=True, help="JSGF")
    parser.add_argument("--output_dir", type=Path, required=True)
    add_hearing_options(parser)
    args = parser.parse_args(cmd)
    hearing = Hearing(take_hearing_options(args), RATE, "cpu")
    recognise = Sphinx(args.grammar)
    sources = read_table(args.wav_scp)
    chosen = {key: sources[key] for key in read_table(args.key_file)}
    texts = {}
    for key, samples, _ in iterate_audio(chosen, channel="all"):
        texts[key] = recognise(hearing(samples))
        log(f"{key} {texts[key]}")
    write_table(args.output_dir / "1best_recog" / "text", texts)


if __name__ == "__main__":
    run_cli(main)
