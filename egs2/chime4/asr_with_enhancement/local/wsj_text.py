"""WSJ transcripts: the ``.dot`` files of WSJ0, and their text in the form to train on.

The normalisation is that of the Kaldi and ESPnet recipes for WSJ and CHiME-4, so that
word error rates can be compared.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from chime4_lists import read_dots

from espnet2.data_dir.tables import DataError

NOISE = "<NOISE>"
# Marks of noises that begin or end at a word, and of pauses and cut words: no words.
_DROPPED = re.compile(r"\[<\w+\]|\[\w+>\]|\[\w+/\]|\[/\w+\]|~|\.")
_NOISE_MARK = re.compile(r"\[\w+\]")
_DELETED_WORD = re.compile(r"<([\w']+)>")
_RENAMED = {"%PERCENT": "PERCENT", ".POINT": "POINT", "--DASH": "-DASH"}


def normalize(text: str) -> str:
    r"""Words in upper case, single spaces, noises as ``<NOISE>``.

    Backslashes go; ``[<x] [x>] [x/] [/x] ~ .`` are dropped, any other ``[x]`` becomes
    ``<NOISE>``, ``<word>`` becomes ``WORD``; ``%PERCENT``, ``.POINT`` and ``--DASH``
    lose a character.

    >>> normalize(r"the \"quote [loud_breath] <and> --DASH fin~ [door_slam>] .")
    'THE "QUOTE <NOISE> AND -DASH FIN~'
    """
    words = []
    for word in text.upper().replace("\\", "").split():
        if _DROPPED.fullmatch(word):
            continue
        deleted = _DELETED_WORD.fullmatch(word)
        if _NOISE_MARK.search(word):
            word = NOISE
        elif deleted:
            word = deleted.group(1)
        words.append(_RENAMED.get(word, word))
    return " ".join(words)


def read_wsj_dots(files: Iterable[Path], wsj_names: Iterable[str]) -> dict[str, str]:
    """Utterance in lower case -> text, not normalised, for the sessions asked for.

    Of the files only ``<session>.dot`` of the wanted sessions are read, in either case.
    Copies of a file on several discs do no harm if their texts agree.
    """
    sessions = {name[:6].lower() + "00" for name in wsj_names}  # 011C0201: 011c0200
    texts: dict[str, str] = {}
    origin: dict[str, Path] = {}
    for path in files:
        if path.suffix.lower() != ".dot" or path.stem.lower() not in sessions:
            continue
        for name, text in read_dots(path).items():
            key = name.lower()
            if texts.setdefault(key, text) != text:
                raise DataError(
                    f"{path}: the text of {name} differs from that in {origin[key]}"
                )
            origin.setdefault(key, path)
    return texts


def strange_tokens(texts: Iterable[str]) -> dict[str, int]:
    """Words with other characters than letters and ``'``, with their number.

    Verbal punctuation (``,COMMA``) and ``<NOISE>`` are among them in WSJ0; a reader of
    the report sees whether there is more.
    """
    words = (word for text in texts for word in text.split())
    plain = re.compile(r"[A-Z']+(?:[-.][A-Z']+)*\.?")
    strange = Counter(word for word in words if not plain.fullmatch(word))
    return dict(sorted(strange.items(), key=lambda item: (-item[1], item[0])))
