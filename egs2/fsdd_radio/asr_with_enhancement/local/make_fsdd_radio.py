"""Make the corpus: strings of recorded digits sent over a noisy FM link."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from digit_strings import join, plan_strings
from recordings import SPLITS, digest, read_recordings, split_recordings

from espnet2.data_dir.tables import run_cli
from espnet2.radio.corpus import prepare_corpus
from espnet2.radio.options import corpus_parser, counts_of, parse_options


def main(arguments: Sequence[str]) -> None:
    """Make or reuse the corpus, write the data folders."""
    parser = corpus_parser(__doc__)
    parser.add_argument("--fsdd", type=Path, required=True, help="the recordings")
    parser.add_argument("--split", choices=SPLITS, default=SPLITS[0])
    args = parse_options(parser, arguments)
    recordings = read_recordings(args.fsdd)
    pools = split_recordings(recordings, args.split)
    audio = {recording.name: samples for recording, samples in recordings.items()}
    prepare_corpus(
        args,
        {"split": args.split, "recordings": digest(recordings)},
        lambda: plan_strings(pools, counts_of(args), args.seed),
        lambda voice: partial(join, audio),
    )


if __name__ == "__main__":
    run_cli(main)
