#!/usr/bin/env python3
"""Compare the training and validation text with the token list.

Names the utterances whose text has tokens that the model does not know: an error in
the training text, a warning in the validation text. Text is split into tokens just as
training does it.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from espnet2.data_dir.tables import (
    DataError,
    first_lines,
    log,
    read_lines,
    read_table,
    run_cli,
)
from espnet2.text.char_tokenizer import CharTokenizer
from espnet2.text.cleaner import TextCleaner
from espnet2.text.sentencepiece_tokenizer import SentencepiecesTokenizer

MAX_NAMED = 10


def find_unknown(
    text: Path, tokens: set[str], split: Callable[[str], Sequence[str]]
) -> list[str]:
    """One line for each utterance with unknown tokens: file, utterance, tokens."""
    lines = []
    for key, words in read_table(text, strict=False).items():
        unknown = sorted(set(split(words)) - tokens)
        if unknown:
            shown = " ".join(unknown[:MAX_NAMED])
            lines.append(f"{text}: utterance {key}: not in the token list: {shown}")
    return lines


def read_tokens(path: Path) -> set[str]:
    """The tokens of a token list."""
    first_line: dict[str, int] = {}
    for number, token in read_lines(path):
        if not token:
            raise DataError(f"{path}:{number}: the line is empty")
        if token in first_line:
            raise DataError(
                f"{path}:{number}: token {token} stands in line {first_line[token]} too"
            )
        first_line[token] = number
    return set(first_line)


def main(arguments: Sequence[str]) -> None:
    """Check the texts given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--token_list", type=Path, required=True)
    parser.add_argument("--token_type", choices=("bpe", "char"), required=True)
    parser.add_argument("--bpemodel", help="for the token type bpe")
    parser.add_argument("--cleaner", default="none")
    parser.add_argument("--non_linguistic_symbols", default="none")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--valid", type=Path, required=True)
    args = parser.parse_args(arguments)
    if args.token_type == "bpe":
        to_tokens = SentencepiecesTokenizer(args.bpemodel).text2tokens
    else:
        symbols = args.non_linguistic_symbols
        to_tokens = CharTokenizer(None if symbols == "none" else symbols).text2tokens
    clean = TextCleaner(None if args.cleaner == "none" else args.cleaner)
    tokens = read_tokens(args.token_list)

    def split(words: str) -> Sequence[str]:
        return to_tokens(clean(words))

    valid = find_unknown(args.valid, tokens, split)
    if valid:
        log(f"warning: {first_lines(valid, MAX_NAMED)}")
    train = find_unknown(args.train, tokens, split)
    if train:
        raise DataError(first_lines(train, MAX_NAMED))
    log(f"{args.token_list}: {len(tokens)} tokens cover the training text")


if __name__ == "__main__":
    run_cli(main)
