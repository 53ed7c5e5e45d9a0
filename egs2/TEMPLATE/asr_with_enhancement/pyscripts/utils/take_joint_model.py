#!/usr/bin/env python3
"""Take a trained joint model, to decode and enhance with it: copy its files.

Into the folder go config.yaml, model.pth, tokens.txt and, if it has them, bpe.model,
feats_stats.npz and the language model in lm/. What was taken before and has not changed
stays.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.audio import parse_rate
from espnet2.data_dir.tables import DataError, log, run_cli
from espnet2.results.tables import write_files
from espnet2.transcription.joint_model import take_joint_model
from espnet2.transcription.recogniser import TakenRecogniser
from espnet2.transcription.recogniser_files import describe


def main(arguments: Sequence[str]) -> None:
    """Take the joint model named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", required=True, help="rate of the data: 8000, 8k...")
    parser.add_argument("model", help="packed .zip, experiment folder or hub tag")
    parser.add_argument("folder", type=Path, help="where the files go")
    args = parser.parse_args(arguments)
    marker, source = args.folder / "taken_from", describe(args.model, args.fs)
    if marker.exists() and marker.read_text(encoding="utf-8") == source:
        return
    marker.unlink(missing_ok=True)
    try:
        taken = TakenRecogniser(args.folder)
        take_joint_model(args.model, taken, parse_rate(args.fs))
    except ValueError as error:
        raise DataError(str(error)) from None
    write_files({marker: source})
    log(f"{args.model}: the joint model is in {args.folder}")


if __name__ == "__main__":
    run_cli(main)
