#!/usr/bin/env python3
"""Take recognisers by themselves, to hear enhanced speech: copy the files of each.

What was taken before and has not changed stays. One of another sampling rate than the
data's is taken too, and that is said.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.audio import parse_rate
from espnet2.data_dir.resampling import tell_resampling
from espnet2.data_dir.tables import DataError, log, run_cli
from espnet2.plain_data import AVERAGED_MODEL, read_yaml
from espnet2.results.tables import write_files
from espnet2.transcription.listener import take_listener
from espnet2.transcription.recogniser import TakenRecogniser, rate_of
from espnet2.transcription.recogniser_files import describe


def main(arguments: Sequence[str]) -> None:
    """Take the recognisers named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", required=True, help="rate of the data: 8000, 8k...")
    parser.add_argument(
        "--weights", default=AVERAGED_MODEL, help="parameters in an experiment folder"
    )
    parser.add_argument(
        "names",
        nargs="+",
        metavar="MODEL FOLDER",
        help="experiment folder, packed .zip or hub tag, and where its files go",
    )
    args = parser.parse_args(arguments)
    data_rate = parse_rate(args.fs)
    for model, folder in zip(args.names[::2], args.names[1::2], strict=True):
        rate = take_once(model, Path(folder), args.weights)
        tell_resampling(model, rate, data_rate)


def take_once(model: str, folder: Path, weights: str) -> int:
    """Take a recogniser, unless that was done before; return its sampling rate (Hz)."""
    taken, marker = TakenRecogniser(folder), folder / "taken_from"
    source = describe(model, weights)
    if marker.exists() and marker.read_text(encoding="utf-8") == source:
        return rate_of(read_yaml(taken.config))
    marker.unlink(missing_ok=True)
    try:
        rate = take_listener(model, taken, weights)
    except ValueError as error:
        raise DataError(str(error)) from None
    write_files({marker: source})
    log(f"{model}: the recogniser is in {folder}")
    return rate


if __name__ == "__main__":
    run_cli(main)
