"""The whole page: gathered, rendered, kept under its size, written."""

import base64
import hashlib
from pathlib import Path
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from espnet2.result_page.conflict import Conflict, read_conflict
from espnet2.result_page.experiment import Experiment, RawSet, read_raw_set
from espnet2.result_page.intervals import DRAWS, SEED
from espnet2.result_page.methods import Comparison
from espnet2.result_page.score_tables import (
    enhancement_table,
    error_table,
    recognition_table,
)
from espnet2.result_page.sound import LEVEL_DB, MAX_SECONDS
from espnet2.result_page.spectrogram import RANGE_DB
from espnet2.result_page.systems import set_names
from espnet2.result_page.utterance_table import utterance_table
from espnet2.result_page.utterances import Cards
from espnet2.result_page.words import summary

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
    raw = {
        name: read_raw_set(dumpdir, name, _is_scored(experiments, name), missing)
        for name in set_names(experiments)
    }
    content = _content(experiments, raw, missing)
    content["comparison"] = comparison
    cards_of = Cards(experiments, raw)
    cards = cards_of.make(number)
    wanted = len(cards)
    while True:
        table = utterance_table(cards, experiments, raw)
        html = render(cards=cards, utterances=table, wanted=wanted, **content)
        size = len(html.encode("utf-8"))
        if size <= max_bytes:
            return Made(html, len(cards), wanted)
        cards = cards_of.make(_fewer(len(cards), size, max_bytes))


def _fewer(shown: int, size: int, max_bytes: int) -> int:
    """Return how many utterances to try next."""
    if not shown:
        raise ValueError(
            f"the page has {size} bytes even without utterances, over {max_bytes}; "
            "show fewer experiments"
        )
    return min(shown - 1, shown * max_bytes // size)


def _is_scored(experiments: list[Experiment], name: str) -> bool:
    return any(name in exp.sets and exp.sets[name].scores for exp in experiments)


def _conflicts(experiments: list[Experiment], missing: list[str]) -> list[Conflict]:
    found = []
    for exp in experiments:
        try:
            found.append(read_conflict(exp))
        except ValueError as error:
            missing.append(f"{error}.")
    return found


def _content(
    experiments: list[Experiment], raw: dict[str, RawSet], missing: list[str]
) -> dict[str, object]:
    """Return what stays the same with fewer utterances."""
    conflicts = _conflicts(experiments, missing)
    tables = [recognition_table(experiments), enhancement_table(experiments, raw)]
    return {
        "experiments": experiments,
        "summary": summary(experiments, raw),
        "scores": [table for table in tables if table],
        "errors": error_table(experiments),
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
    own = {name: _own_file(name) for name in ("style.css", "page.js")}
    return environment.get_template("page.html").render(
        style=own["style.css"],
        script=own["page.js"],
        style_hash=_hash(own["style.css"]),
        script_hash=_hash(own["page.js"]),
        draws=DRAWS,
        seed=SEED,
        level_db=LEVEL_DB,
        max_seconds=MAX_SECONDS,
        range_db=RANGE_DB,
        **content,
    )


def _own_file(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    """Return the hash by which the page's policy knows its own style and script."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def write_page(html: str, path: Path) -> None:
    """Write beside the place, then rename: a reader never sees half a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_bytes(html.encode("utf-8"))
    beside.replace(path)
