"""Make the toy corpus: radio orders spoken by espeak-ng over a noisy FM link."""

from collections.abc import Sequence

from plan_corpus import VOICES, plan_corpus
from speak import check_variants, speak_as

from espnet2.data_dir.tables import run_cli
from espnet2.radio.corpus import prepare_corpus
from espnet2.radio.options import corpus_parser, counts_of, parse_options
from espnet2.radio.utterance import Utterance


def main(arguments: Sequence[str]) -> None:
    """Make or reuse the corpus, write the data folders."""
    args = parse_options(corpus_parser(__doc__), arguments)

    def plan() -> list[list[Utterance]]:
        check_variants([voice for voices in VOICES.values() for voice in voices])
        return plan_corpus(counts_of(args), args.seed)

    prepare_corpus(args, {"voices": VOICES}, plan, speak_as)


if __name__ == "__main__":
    run_cli(main)
