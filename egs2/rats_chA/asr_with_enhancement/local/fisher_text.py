"""From the mark-up of Fisher transcripts to words.

``(( words ))`` is uncertain; ``[laughter]`` and the like are events; an acronym is
``c._n._n.``; a partial word ends in ``-``.
"""

import re
from dataclasses import dataclass, field

LAUGHTER = {"[laugh]", "[laughter]"}
NOISES = {"[noise]", "[sigh]", "[cough]", "[mn]", "[breath]", "[lipsmack]"}
EXPECTED = re.compile(r"[a-z'_ .-]|\[laughter\]|\[noise\]")


def _option(default: str, choices: tuple[str, ...], text: str) -> str:
    metadata = {"choices": choices, "help": text}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TextRules:
    """What to do with each kind of mark-up; each option is one of two words."""

    uncertain: str = _option(
        "drop", ("drop", "keep"), "an utterance with (( )): drop, or keep its words"
    )
    events: str = _option(
        "delete", ("delete", "map"), "[...]: delete, or map to [laughter] and [noise]"
    )
    acronyms: str = _option(
        "split", ("split", "keep"), "c._n._n.: split to c n n, or keep as c._n._n."
    )
    partial: str = _option(
        "strip", ("strip", "drop"), "an-: strip the hyphen, or drop the word"
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
    if re.search(r"[][()]", re.sub(r"\[(laughter|noise)\]", "", text)):
        return "", "markup"
    if not re.sub(r"\[(laughter|noise)\]", "", text).strip():
        return "", "no_words"
    return text, ""


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
