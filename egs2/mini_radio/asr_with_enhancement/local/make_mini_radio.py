"""Make the toy corpus: radio orders spoken by espeak-ng over a noisy FM link.

The corpus is built in ``<corpus_dir>.tmp`` and renamed when it is whole. Its file
``corpus.json`` records the options: with the same options it is used again, with
others it is made anew. Then ``<data_dir>/{train,valid,test}`` are written.

Each voice is spoken by a process of its own, so the same options give the same
bytes whatever the number of processes (with the same versions of the libraries).
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from build_corpus import (
    LAYOUT_VERSION,
    MARKER,
    VOICES,
    build_corpus,
    plan_corpus,
    read_options,
    read_records,
)
from kaldi_dirs import check_replaceable, write_data_dir
from realism import realism_report
from render import Conditions
from speak import SpeechError, check_variants


def get_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--corpus_dir", type=Path, required=True, help="folder of the audio")
    add("--data_dir", type=Path, required=True, help="folder of the Kaldi folders")
    add("--seed", type=int, default=2302, help="of all random choices")
    add("--num_train", type=int, default=3200, help="utterances of the training set")
    add("--num_valid", type=int, default=200, help="utterances of the validation set")
    add("--num_test", type=int, default=400, help="utterances of the test set")
    add("--cnr_min", type=float, default=6.0, help="lowest carrier-to-noise ratio, dB")
    add("--cnr_max", type=float, default=14.0, help="highest one, dB")
    add("--snr_min", type=float, default=5.0, help="lowest acoustic SNR, dB")
    add("--snr_max", type=float, default=20.0, help="highest one, dB")
    add("--nj", type=int, default=1, help="processes at once")
    return parser


def check_options(args: argparse.Namespace) -> None:
    """Check what the parser cannot.

    Raises:
        ValueError: If a value is out of its range; the message says what is right.
    """
    for name, lowest, highest in (
        ("seed", 0, 2**32 - 1),
        ("num_train", 1, 99999),
        ("num_valid", 1, 99999),
        ("num_test", 1, 99999),
        ("nj", 1, 1024),
        ("cnr_min", 0, 100),
        ("cnr_max", 0, 100),
        ("snr_min", -20, 100),
        ("snr_max", -20, 100),
    ):
        value = getattr(args, name)
        if not lowest <= value <= highest:
            raise ValueError(f"--{name} {value} must be {lowest} to {highest}")
    for low, high in (("cnr_min", "cnr_max"), ("snr_min", "snr_max")):
        if getattr(args, low) > getattr(args, high):
            raise ValueError(
                f"--{low} {getattr(args, low)} must not be above "
                f"--{high} {getattr(args, high)}"
            )


def make_corpus(args: argparse.Namespace) -> None:
    """Check the options, make or reuse the corpus, write the data folders."""
    check_options(args)
    counts = {name: getattr(args, f"num_{name}") for name in VOICES}
    conditions = Conditions(args.cnr_min, args.cnr_max, args.snr_min, args.snr_max)
    options = {
        "version": LAYOUT_VERSION,
        "seed": args.seed,
        "counts": counts,
        **asdict(conditions),
        "voices": VOICES,
    }
    corpus_dir = args.corpus_dir.resolve()
    check_replaceable(corpus_dir, MARKER)
    for name in VOICES:
        check_replaceable(args.data_dir / name, "wav.scp")
    if read_options(corpus_dir) == options:
        print(f"{corpus_dir} was made with the same options: used again")
    else:
        check_variants([voice for voices in VOICES.values() for voice in voices])
        plan = plan_corpus(counts, args.seed)
        build_corpus(options, plan, conditions, args.nj, corpus_dir)
    records = {name: read_records(corpus_dir, name) for name in VOICES}
    for name in VOICES:
        write_data_dir(args.data_dir / name, records[name], corpus_dir / name)
    print(realism_report(corpus_dir, records))


def main() -> None:
    """Run the command line; errors are one line and exit code 1."""
    args = get_parser().parse_args()
    try:
        make_corpus(args)
    except (ValueError, OSError, SpeechError) as error:
        sys.exit(f"make_mini_radio.py: error: {error}")


if __name__ == "__main__":
    main()
