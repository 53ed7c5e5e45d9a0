"""What is scored of a transcript: its words, characters or pieces."""

from collections.abc import Callable
from pathlib import Path

import sentencepiece

from espnet2.data_dir.tables import DataError
from espnet2.results.tables import line_of, read_scored
from espnet2.text.char_tokenizer import CharTokenizer
from espnet2.text.cleaner import TextCleaner

Cut = Callable[[str], list[str]]
Units = dict[str, list[str]]


def make_cutter(unit: str, bpemodel: Path | None) -> Cut:
    """Return the function that cuts a transcript into scoring units.

    Words are separated by white space; characters are those of ESPnet's
    ``CharTokenizer``, a space being ``<space>``; tokens are sentencepiece pieces.
    """
    if unit == "word":
        return str.split
    if unit == "char":
        tokenizer = CharTokenizer(space_symbol="<space>")
        return lambda text: tokenizer.text2tokens(" ".join(text.split()))
    if bpemodel is None:
        raise DataError("--unit token needs --bpemodel, a sentencepiece model")
    try:
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(bpemodel))
    except (OSError, RuntimeError):
        raise DataError(f"{bpemodel}: is not a sentencepiece model file") from None
    return lambda text: pieces.encode(" ".join(text.split()), out_type=str)


def scored_part(cut: Cut, cleaner: str, symbols: str) -> Cut:
    """Return ``cut`` of what is scored: the cleaned text without symbols.

    As in upstream's scoring the cleaner is that of the training text, which the model
    has learnt to write, and symbols such as <NOISE> count neither as right nor wrong
    words or characters.

    Args:
        cut: cuts a text.
        cleaner: upstream's name of it, or "none".
        symbols: a file of non-linguistic symbols, one a line, or "none".
    """
    silent: set[str] = set()
    try:
        if symbols != "none":
            silent.update(Path(symbols).read_text(encoding="utf-8").split())
        clean = TextCleaner(None if cleaner == "none" else cleaner)
        clean("A")
    except OSError as error:
        raise DataError(f"{symbols}: cannot be read: {error.strerror}") from None
    except RuntimeError as error:
        raise DataError(f"--cleaner {cleaner}: {error}") from None
    return lambda text: cut(" ".join(w for w in clean(text).split() if w not in silent))


def read_units(path: Path, cut: Cut, demand_units: bool) -> Units:
    """Return utterance -> units of a Kaldi ``text`` file.

    Raises:
        DataError: as `read_scored`, or an utterance has no text and that is demanded.
    """
    texts = read_scored(path)
    empty = [utterance for utterance, text in texts.items() if not text]
    if empty and demand_units:
        raise DataError(
            f"{path}:{line_of(texts, empty[0])}: the reference of '{empty[0]}' is "
            "empty; remove the utterance from the test set"
        )
    return {utterance: cut(text) for utterance, text in texts.items()}
