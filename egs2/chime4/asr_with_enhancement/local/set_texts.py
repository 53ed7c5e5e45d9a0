"""The texts of a CHiME-4 set, and how they agree with its annotations."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from chime4_lists import Annotation, read_dots
from wsj_text import normalize, read_wsj_dots

from espnet2.data_dir.folders import walk_files
from espnet2.data_dir.tables import DataError


def read_texts(
    chime4: Path,
    wsj0: Sequence[Path],
    name: str,
    annotations: Sequence[Annotation],
    notes: list[str],
) -> dict[str, str]:
    """Utterance -> text, not normalised; what is odd is added to the ``notes``.

    The simulated training set has its texts from WSJ0, the others from their lists.
    """
    if name == "tr05_simu":
        texts = _wsj_texts(wsj0, annotations)
    else:
        texts = read_dots(chime4 / f"data/transcriptions/{name}.dot_all")
    extra = texts.keys() - {a.name for a in annotations}
    if extra:
        what = "texts of utterances that are not annotated"
        notes.append(f"{name}: {len(extra)} {what}, as {min(extra)}")
    differing = _compare_texts(annotations, texts)
    if differing:
        notes.append(
            f"{name}: {differing} texts differ from the annotation's field dot; the "
            "transcription was taken"
        )
    return texts


def _wsj_texts(
    wsj0: Sequence[Path], annotations: Sequence[Annotation]
) -> dict[str, str]:
    dots = read_wsj_dots(walk_files(wsj0), [a.wsj_name for a in annotations])
    if not dots:
        roots = ", ".join(map(str, wsj0))
        raise DataError(f"no .dot file of the training sentences below {roots}")
    found = {a.name: dots.get(a.wsj_name.lower()) for a in annotations}
    return {name: text for name, text in found.items() if text is not None}


def _compare_texts(annotations: Sequence[Annotation], texts: Mapping[str, str]) -> str:
    """How many of the annotations' texts differ from these, ``1 of 4``; or ""."""
    pairs = [(texts[a.name], a.dot) for a in annotations if a.dot and a.name in texts]
    differing = sum(
        normalize(text) != normalize(re.sub(r"\([^(]*\)$", "", dot))
        for text, dot in pairs
    )
    return f"{differing} of {len(pairs)}" if differing else ""
