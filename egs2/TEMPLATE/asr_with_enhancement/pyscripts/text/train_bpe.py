#!/usr/bin/env python3
"""Train a sentencepiece model on text and write its token list.

Into the output folder go ``train.txt`` (the text without ids), ``bpe.model``,
``bpe.vocab`` and ``tokens.txt``: blank, unknown, the pieces in the model's order,
start/end of sentence. The text is taken as it stands (normalisation ``identity``).
The folder is made under another name and renamed, so it is whole or not there.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import sentencepiece

from espnet2.data_dir.folders import whole_folder
from espnet2.data_dir.tables import DataError, log, read_table, run_cli, write_lines

# sentencepiece's own <unk>, <s> and </s>, for which the token list has its symbols.
OWN_PIECES = 3


def train(texts: Sequence[str], outdir: Path, args: argparse.Namespace) -> None:
    """Write ``train.txt``, ``bpe.model`` and ``bpe.vocab``.

    Raises:
        DataError: the text is too small, or has too many characters, for the size;
            the message says which sizes would do.
    """
    write_lines(outdir / "train.txt", texts)
    symbols = [symbol for symbol in args.user_defined_symbols.split(",") if symbol]
    try:
        sentencepiece.SentencePieceTrainer.train(
            input=str(outdir / "train.txt"),
            model_prefix=str(outdir / "bpe"),
            vocab_size=args.nbpe,
            model_type=args.bpemode,
            character_coverage=args.character_coverage,
            input_sentence_size=args.input_sentence_size,
            user_defined_symbols=symbols,
            normalization_rule_name="identity",
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        raise DataError(explain(str(error), args.nbpe)) from None


def explain(message: str, size: int) -> str:
    """Sentencepiece's message about the vocabulary size in words of the options."""
    too_high = re.search(r"value <= (\d+)", message)
    if too_high:
        return (
            f"the text is too small for --nbpe {size}: at most {too_high[1]} "
            "are possible (or give a larger --bpe_train_text)"
        )
    too_small = re.search(r"smaller than required_chars\D+\d+ vs (\d+)", message)
    if too_small:
        return (
            f"--nbpe {size} is below the number of characters in the text: at least "
            f"{too_small[1]} are needed (or a smaller --bpe_char_cover)"
        )
    return f"sentencepiece: {message.strip()}"


def write_tokens(outdir: Path, blank: str, oov: str, sos_eos: str) -> int:
    """Write ``tokens.txt`` from ``bpe.vocab``; return the number of tokens."""
    vocabulary = (outdir / "bpe.vocab").read_text(encoding="utf-8").split("\n")
    pieces = [line.split("\t")[0] for line in vocabulary[OWN_PIECES:] if line]
    tokens = [blank, oov, *pieces, sos_eos]
    write_lines(outdir / "tokens.txt", tokens)
    return len(tokens)


def main(arguments: Sequence[str]) -> None:
    """Train on the Kaldi text given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, nargs="+", required=True)
    parser.add_argument("--nbpe", type=int, required=True, help="vocabulary size")
    parser.add_argument("--bpemode", choices=("unigram", "bpe"), default="unigram")
    parser.add_argument("--character_coverage", type=float, default=1.0)
    parser.add_argument("--input_sentence_size", type=int, default=100_000_000)
    parser.add_argument("--user_defined_symbols", default="", help="comma-separated")
    parser.add_argument("--blank", default="<blank>")
    parser.add_argument("--oov", default="<unk>")
    parser.add_argument("--sos_eos", default="<sos/eos>")
    parser.add_argument("outdir", type=Path)
    args = parser.parse_args(arguments)
    tables = [read_table(path, strict=False) for path in args.text]
    texts = [text for table in tables for text in table.values() if text]
    if not texts:
        raise DataError(f"{' '.join(map(str, args.text))}: there is no text")
    with whole_folder(args.outdir) as new:
        train(texts, new, args)
        count = write_tokens(new, args.blank, args.oov, args.sos_eos)
    log(f"{args.outdir}/tokens.txt: {count} tokens from {len(texts)} utterances")


if __name__ == "__main__":
    run_cli(main)
