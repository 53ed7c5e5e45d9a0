#!/usr/bin/env python3
"""Take a trained recogniser for joint training: its files and a config that has it.

Into the folder go config.yaml, model.pth, tokens.txt and, if it has them, bpe.model and
feats_stats.npz of the recogniser; and the joint config, under its own name, with the
recogniser's front end, normalisation, encoder and decoder in place of its own.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml

from espnet2.data_dir.audio import parse_rate
from espnet2.data_dir.tables import DataError, log, run_cli
from espnet2.plain_data import read_yaml
from espnet2.results.tables import write_files
from espnet2.tasks.layered_config import read_config
from espnet2.transcription.recogniser import TakenRecogniser, joint_config, take
from espnet2.transcription.recogniser_files import describe


def main(arguments: Sequence[str]) -> None:
    """Take the recogniser named on the command line, unless that was done before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", required=True, help="rate of the data: 8000, 8k...")
    parser.add_argument("--joint_config", type=Path, required=True)
    parser.add_argument("model", help="experiment folder, packed .zip or hub tag")
    parser.add_argument("folder", type=Path, help="where the files go")
    args = parser.parse_args(arguments)
    taken, marker = TakenRecogniser(args.folder), args.folder / "taken_from"
    source = describe(args.model, args.fs)
    try:
        joint = read_config(args.joint_config)
        if not marker.exists() or marker.read_text(encoding="utf-8") != source:
            marker.unlink(missing_ok=True)
            take(args.model, taken, parse_rate(args.fs))
            log(f"{args.model}: the recogniser is in {args.folder}")
        config = joint_config(joint, read_yaml(taken.config))
    except ValueError as error:
        raise DataError(str(error)) from None
    text = yaml.safe_dump(config, sort_keys=False)
    write_files({args.folder / args.joint_config.name: text, marker: source})


if __name__ == "__main__":
    run_cli(main)
