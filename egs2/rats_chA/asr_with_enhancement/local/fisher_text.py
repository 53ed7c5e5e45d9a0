"""From the mark-up of Fisher transcripts to words.

``(( words ))`` is uncertain; ``[laughter]`` and the like are events; an acronym is
``c._n._n.``; a partial word ends in ``-``.
"""

import re
from dataclasses import dataclass

from espnet2.data_dir.options import option

LAUGHTER = {"[laugh]", "[laughter]"}
NOISES = {"[noise]", "[sigh]", "[cough]", "[mn]", "[breath]", "[lipsmack]"}
EXPECTED = re.compile(r"[a-z'_ .-]|\[laughter\]|\[noise\]")


@dataclass(frozen=True)
class TextRules:
    """What to do with each kind of mark-up; each option is one of two words."""

    uncertain: str = option(
        "drop", "an utterance with (( )): drop, or keep its words", ("drop", "keep")
    )
    events: str = option(
        "delete", "[...]: delete, or map to [laughter] and [noise]", ("delete", "map")
    )
    acronyms: str = option(
        "split", "c._n._n.: split to c n n, or keep as c._n._n.", ("split", "keep")
    )
    partial: str = option(
        "strip", "an-: strip the hyphen, or drop the word", ("strip", "drop")
    )


def normalise(text: str, rules: TextRules) -> tuple[str, str]:
    """The words, or an empty text and the reason why there are none.

    Reasons are ``uncertain``, ``markup`` (a bracket that does not close, or an event
    that is not known where events are kept) and ``no_words``.
    """
    text = text.lower()
    if rules.uncertain == "drop" and ("((" in text or "))" in text):
        return "", "uncertain"
    text = text.replace("((", " ").replace("))", " ")
    text = re.sub(r"\[[^][]*\]", lambda match: _event(match[0], rules), text)
    words = [_word(word, rules) for word in text.split()]
    text = " ".join(" ".join(words).split())
    said = re.sub(r"\[(laughter|noise)\]", "", text).strip()
    if re.search(r"[][()]", said):
        return "", "markup"
    return (text, "") if said else ("", "no_words")


def odd_characters(text: str) -> str:
    """The characters of a normalised text that Fisher's description does not name."""
    return "".join(sorted(set(EXPECTED.sub("", text))))


def _event(event: str, rules: TextRules) -> str:
    if rules.events == "delete":
        return " "
    if event in LAUGHTER:
        return " [laughter] "
    return " [noise] " if event in NOISES else f" {event} "


def _word(word: str, rules: TextRules) -> str:
    if word.startswith("["):
        return word
    if "._" in word or re.fullmatch(r"[a-z]\.('?s)?", word):
        if rules.acronyms == "keep":
            return word
        word = word.replace("._", " ")
    word = re.sub(r"\.(?='|$)", "", word)
    if word.endswith("-"):
        return "" if rules.partial == "drop" else word.rstrip("-")
    return word
