"""PocketSphinx on a grammar: a recogniser that nobody here made.

Its wheel brings an English model for 16 kHz. A JSGF grammar, in the corpus's own
spelling, says what may be said; so it writes as the corpus does.
"""

import re
import tempfile
from pathlib import Path

import numpy as np

from espnet2.data_dir.tables import DataError, read_text
from espnet2.results.tables import name_some

NAME = "pocketsphinx"
RATE = 16000  # Hz, of its model
EXAMPLE = "XRAY EH K S R EY"
# What stands in a JSGF grammar and is no word.
NO_WORD = re.compile(
    r"#JSGF[^;]*;|\bgrammar\s[^;]*;|\bpublic\b|//[^\n]*|/\*.*?\*/"  # head, comments
    r"|<[^>]*>|\{[^}]*\}|/[\d.]+/|[()\[\]|*+=;]",  # rules, tags, weights, signs
    re.DOTALL,
)


class Sphinx:
    """PocketSphinx, which writes what of a grammar it has heard.

    Args:
        grammar: a JSGF file. Its words are looked up in PocketSphinx's dictionary, in
            lower case; others stand with their phones in a file of the same name that
            ends in ``.dict``.

    Raises:
        DataError: PocketSphinx is not installed, or the grammar cannot be used.
    """

    def __init__(self, grammar: Path) -> None:
        try:
            import pocketsphinx
        except ImportError:
            raise DataError(
                f"{NAME} is not installed: pip install {NAME} (into the environment of "
                "the recipes)"
            ) from None
        lexicon = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
        lines = pronunciations(grammar, read_text(lexicon))
        self._folder = tempfile.TemporaryDirectory()
        words, said = (Path(self._folder.name, name) for name in ("words", "log"))
        words.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        try:
            self._decoder = pocketsphinx.Decoder(
                hmm=pocketsphinx.get_model_path("en-us/en-us"),
                dict=str(words),
                jsgf=str(grammar),
                samprate=RATE,
                dither=True,  # resampled speech has nothing in the upper bands
                seed=0,
                loglevel="ERROR",
                logfn=str(said),
            )
        except RuntimeError as error:
            reason = said.read_text(encoding="utf-8").partition("\n")[0]
            raise DataError(
                f"{grammar}: {reason.removeprefix('ERROR: ') or error}"
            ) from None

    def __call__(self, samples: np.ndarray) -> str:
        """Return the text of (samples,) at 16 kHz; "" if the grammar has no such."""
        steps = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(steps.tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found is not None else ""


def grammar_words(grammar: Path) -> set[str]:
    """Return the words of a JSGF grammar.

    Raises:
        DataError: the file is missing or has none.
    """
    words = set(NO_WORD.sub(" ", read_text(grammar)).split())
    if not words:
        raise DataError(f"{grammar}: has no words; expected a JSGF grammar")
    return words


def pronunciations(grammar: Path, lexicon: str) -> list[str]:
    """Return the lines of a dictionary with the words of a grammar, as it writes them.

    Args:
        grammar: a JSGF file.
        lexicon: PocketSphinx's dictionary: lines ``word phones`` and, of another
            pronunciation, ``word(2) phones``.

    Raises:
        DataError: a word is in no dictionary.
    """
    own = grammar.with_suffix(".dict")
    known = read_dictionary(lexicon)
    if own.exists():
        known |= read_dictionary(read_text(own))
    words = sorted(grammar_words(grammar))
    found = {word: known.get(word) or known.get(word.lower(), []) for word in words}
    missing = [word for word in words if not found[word]]
    if missing:
        raise DataError(
            f"{grammar}: not in {NAME}'s dictionary: {name_some(missing)}; give the "
            f"phones in {own}, as in '{EXAMPLE}'"
        )
    return [
        f"{word}({number}) {phones}" if number > 1 else f"{word} {phones}"
        for word in words
        for number, phones in enumerate(found[word], start=1)
    ]


def read_dictionary(text: str) -> dict[str, list[str]]:
    """Return word -> the phones of its pronunciations, of lines ``word(n) phones``."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        word, _, phones = line.partition(" ")
        found.setdefault(word.partition("(")[0], []).append(phones.strip())
    return found
