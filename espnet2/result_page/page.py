"""The whole page: gathered, rendered, kept under its size."""

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from espnet2.result_page.conflict import read_conflict
from espnet2.result_page.methods import Comparison
from espnet2.result_page.page_sets import PageSet, gather
from espnet2.result_page.recogniser_table import recogniser_table
from espnet2.result_page.score_tables import (
    enhancement_table,
    error_table,
    recognition_table,
)
from espnet2.result_page.sound import LEVEL_DB, MAX_SECONDS
from espnet2.result_page.spectrogram import RANGE_DB
from espnet2.result_page.utterance_table import utterance_table
from espnet2.result_page.utterances import Cards
from espnet2.result_page.words import summary
from espnet2.results.experiment import Experiment
from espnet2.results.intervals import DRAWS, SEED

MAX_BYTES = 15_000_000
TEMPLATES = Path(__file__).parent / "templates"


class Made(NamedTuple):
    """A finished page; it shows fewer utterances than ``wanted`` to stay small."""

    html: str
    shown: int
    wanted: int


def make_page(
    experiments: list[Experiment],
    dumpdir: Path,
    number: int,
    comparison: Comparison | None = None,
    max_bytes: int = MAX_BYTES,
) -> Made:
    """Return a page of at most ``max_bytes``, with fewer utterances if need be.

    Args:
        experiments: the first is what the others are compared with.
        dumpdir: the recipe's ``dump``.
        number: how many utterances to show, all sets together.
        comparison: of methods, to show as well.
        max_bytes: in UTF-8.

    Raises:
        ValueError: it is too large even without any utterance.
    """
    missing = [sentence for exp in experiments for sentence in exp.missing]
    sets = gather(experiments, dumpdir, missing)
    content = _content(experiments, sets, missing)
    cards_of = Cards(sets)
    cards = cards_of.make(number)
    wanted = len(cards)
    while True:
        content |= {"cards": cards, "utterances": utterance_table(cards, sets)}
        html = render(comparison=comparison, wanted=wanted, **content)
        size = len(html.encode("utf-8"))
        if size <= max_bytes:
            return Made(html, len(cards), wanted)
        if not cards:
            raise ValueError(
                f"the page has {size} bytes even without utterances, over {max_bytes}; "
                "show fewer experiments"
            )
        cards = cards_of.make(min(len(cards) - 1, len(cards) * max_bytes // size))


def _content(
    experiments: list[Experiment], sets: list[PageSet], missing: list[str]
) -> dict[str, object]:
    """Return what stays the same with fewer utterances."""
    conflicts = []
    for exp in experiments:
        try:
            conflicts.append(read_conflict(exp))
        except ValueError as error:
            missing.append(f"{error}.")
    return {
        "experiments": experiments,
        "summary": summary(sets),
        "scores": [
            recognition_table(sets),
            recogniser_table(experiments, missing),
            enhancement_table(sets),
        ],
        "errors": error_table(sets),
        "conflicts": conflicts,
        "missing": list(dict.fromkeys(missing)),
    }


def render(**content: object) -> str:
    """Return the HTML of the template's variables; every text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (
        (TEMPLATES / name).read_text(encoding="utf-8")
        for name in ("style.css", "page.js")
    )
    return environment.get_template("page.html").render(
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        draws=DRAWS,
        seed=SEED,
        level_db=LEVEL_DB,
        max_seconds=MAX_SECONDS,
        range_db=RANGE_DB,
        **content,
    )


def _hash(text: str) -> str:
    """Return the hash by which the page's policy knows its own style and script."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
