#!/usr/bin/env python3
"""Prints what seen and unseen recognisers make of the same speech, as markdown.

A row for each recogniser, share of noisy speech and test set; error rates in per cent,
of noisy and of enhanced speech. Then, where shares were tried on the validation set,
what each of them made there.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, run_cli
from espnet2.results.recognisers import (
    FOLDER,
    Listener,
    best_share,
    find_listeners,
    tried_shares,
)
from espnet2.results.tables import markdown_table

HEADER = ("recogniser", "training", "noisy share", "dataset", "Snt", "Wrd")
RATES = ("WER noisy", "WER enhanced", "WER clean", "CER noisy", "CER enhanced")
CHOICE = ("recogniser", "noisy share", "Snt", "Wrd", "word errors", "WER", "chosen")
NOTE = """\
Error rates in per cent. `own` is the recogniser of the joint model, trained with the
enhancement; the joint training never saw the unseen ones. With a noisy share s they
hear (1 - s) * enhanced + s * noisy speech in place of the enhanced speech.
"""


def main(cmd: Sequence[str]) -> None:
    """Print the tables of one experiment."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("exp", type=Path, help="a joint experiment")
    exp = parser.parse_args(cmd).exp

    listeners = find_listeners(exp)
    if not listeners:
        raise DataError(
            f"{exp}: no recogniser has heard its speech; run stage 14 with "
            "--unseen_asr_models or --noisy_share"
        )
    print(f"# RESULTS\n## {exp}\n\n{NOTE}")
    print(markdown_table((*HEADER, *RATES), map(row_of, listeners)), end="")
    choices = list(choice_rows(exp))
    if choices:
        print("\n### The noisy share, chosen on the validation set\n")
        print(markdown_table(CHOICE, choices), end="")


def row_of(listener: Listener) -> list[object]:
    """Return the cells of a recogniser's row; "-" is what was not heard."""
    rates = []
    for column in RATES:
        score, heard = column.lower().split()
        counts = listener.counts(heard, score)
        rates.append(f"{100 * counts.error_rate:.1f}" if counts else "-")
    words = listener.counts("enhanced", "wer")
    sizes = (words.sentences, words.reference_units) if words else ("-", "-")
    what = (listener.name, listener.kind, listener.share or "-", listener.set_name)
    return [*what, *sizes, *rates]


def choice_rows(exp: Path) -> Iterator[list[object]]:
    """Yield a row for each share that a recogniser was tried with."""
    for recogniser in sorted(exp.glob(f"{FOLDER}/*/")):
        tried = tried_shares(recogniser)
        for share, counts in tried.items():
            sizes = (counts.sentences, counts.reference_units, counts.errors)
            chosen = "yes" if share == best_share(tried) else ""
            rate = f"{100 * counts.error_rate:.1f}"
            yield [recogniser.name, share, *sizes, rate, chosen]


if __name__ == "__main__":
    run_cli(main)
