"""The options that every radio corpus has."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError
from espnet2.radio.pairs import PAIRS
from espnet2.radio.utterance import Conditions

SETS = ("train", "valid", "test")
NUMBERS = (  # name, default, lowest and highest value, help
    ("seed", 2302, 0, 2**32 - 1, "of all random choices"),
    ("num_train", 3200, 1, 99999, "utterances of the training set"),
    ("num_valid", 200, 1, 99999, "utterances of the validation set"),
    ("num_test", 400, 1, 99999, "utterances of the test set"),
    ("cnr_min", 6.0, 0, 100, "lowest carrier-to-noise ratio, dB"),
    ("cnr_max", 14.0, 0, 100, "highest one, dB"),
    ("snr_min", 5.0, -20, 100, "lowest acoustic SNR, dB"),
    ("snr_max", 20.0, -20, 100, "highest one, dB"),
    ("nj", 1, 1, 1024, "processes at once"),
)


def corpus_parser(description: str) -> argparse.ArgumentParser:
    """A parser of the common options, to which a recipe adds its own."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--corpus_dir", type=Path, required=True, help="folder of the audio")
    add("--data_dir", type=Path, required=True, help="folder of the Kaldi folders")
    for name, default, _, _, text in NUMBERS:
        add(f"--{name}", type=type(default), default=default, help=text)
    text = "how the clean reference stands to the noisy signal"
    add("--reference", choices=tuple(PAIRS), default="aligned", help=text)
    return parser


def parse_options(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> argparse.Namespace:
    """The options.

    Raises:
        DataError: a number is out of its range, or a range upside down.
    """
    args = parser.parse_args(arguments)
    for name, _, lowest, highest, _ in NUMBERS:
        value = getattr(args, name)
        if not lowest <= value <= highest:
            raise DataError(f"--{name} {value} must be {lowest} to {highest}")
    for kind in ("cnr", "snr"):
        low, high = (getattr(args, f"{kind}_{end}") for end in ("min", "max"))
        if low > high:
            what = f"--{kind}_min {low} must not be above --{kind}_max {high}"
            raise DataError(what)
    return args


def counts_of(args: argparse.Namespace) -> dict[str, int]:
    """The utterances of each set."""
    return {name: getattr(args, f"num_{name}") for name in SETS}


def conditions_of(args: argparse.Namespace) -> Conditions:
    """What the radio does."""
    ratios = (args.cnr_min, args.cnr_max, args.snr_min, args.snr_max)
    return Conditions(*ratios, args.reference)
