"""The tables of scores: recognition, enhancement, what goes wrong."""

from collections import Counter
from collections.abc import Iterator

from espnet2.result_page.cells import (
    NOTHING,
    Cell,
    Column,
    Table,
    count_column,
    score_cell,
    text_cell,
    text_column,
    with_whiskers,
)
from espnet2.result_page.page_sets import PageSet
from espnet2.results.alignment import Counts
from espnet2.results.enhancement import METRICS, Scores, gain
from espnet2.results.recognition import ErrorRate

SHOWN_ERRORS = 10
KINDS = {"substitute": "replaced", "delete": "left out", "insert": "added"}
CHANGE = "mean of enhanced less noisy, with 95\u00a0% interval"
PARTS = {
    "substitutions": ("replaced", "words replaced by others (substitutions)"),
    "deletions": ("left out", "words left out (deletions)"),
    "insertions": ("added", "words added (insertions)"),
}


def recognition_table(sets: list[PageSet]) -> Table | None:
    """Return a row for each system and set, None where nothing is scored."""
    found = [(one.name, system) for one in sets for system in one.systems]
    found = [(name, system) for name, system in found if system.rates]
    if not found:
        return None
    set_names, systems = zip(*found, strict=True)
    names = [system.name for system in systems]
    by_system = len(set(names)) > 1
    columns = [
        *[text_column("system", names)] * by_system,
        *[text_column("set", set_names)] * (len(sets) > 1 or not by_system),
        _rate_column("WER %", "word", [system.wer for system in systems]),
        _rate_column("CER %", "character", [s.rates.get("cer") for s in systems]),
        *_count_columns([system.wer and system.wer.counts for system in systems]),
    ]
    drawn = ", drawn on one scale" if len(found) > 1 else ""
    caption = (
        f"Recognition: lower is better; small figures are 95\u00a0% intervals{drawn}."
    )
    return Table("recognition", caption, columns)


def _rate_column(name: str, unit: str, rates: list[ErrorRate | None]) -> Column:
    intervals = [rate.interval if rate else None for rate in rates]
    cells = [
        score_cell(rate.percent, 1, rate.interval) if rate else Cell() for rate in rates
    ]
    title = f"{unit} error rate, with 95\u00a0% interval"
    return Column(name, title, with_whiskers(cells, intervals))


def _count_columns(counts: list[Counts | None]) -> Iterator[Column]:
    for kind, (name, title) in PARTS.items():
        cells = [
            score_cell(100 * getattr(c, kind) / c.reference_units, 1) if c else Cell()
            for c in counts
        ]
        yield Column(name, f"{title}, of the WER", cells)
    yield count_column("utterances", [c and c.sentences for c in counts])
    words = [c and c.reference_units for c in counts]
    yield count_column("words", words, "words of the reference")


def enhancement_table(sets: list[PageSet]) -> Table | None:
    """Return a row for each set and metric, None without any score."""
    found = [
        (one, metric)
        for one in sets
        for metric in METRICS
        if any(metric in results.scores for results in one.results.values())
    ]
    if not found:
        return None
    before = [one.raw.scores.get(metric) for one, metric in found]
    title = "mean over the utterances of the {} speech"
    names = [text_cell(*METRICS[metric]) for _, metric in found]
    columns = [
        Column("score", "", names, numeric=False),
        *[text_column("set", (one.name for one, _ in found))] * (len(sets) > 1),
        Column("noisy", title.format("noisy"), list(map(_mean_cell, before))),
    ]
    for letter in sets[0].results:
        after = [one.results[letter].scores.get(metric) for one, metric in found]
        means, changes = map(_mean_cell, after), map(_change_cell, before, after)
        columns += [
            Column(letter or "enhanced", title.format("enhanced"), list(means)),
            Column(f"{letter} change".strip(), CHANGE, list(changes)),
        ]
    caption = "Enhancement: higher is better; small figures are 95\u00a0% intervals."
    return Table("enhancement", caption, columns)


def _mean_cell(scores: Scores | None) -> Cell:
    return score_cell(scores.mean, 2) if scores else Cell()


def _change_cell(before: Scores | None, after: Scores | None) -> Cell:
    change = gain(before, after)
    return score_cell(change.value, 2, change.interval, "+") if change else Cell()


def error_table(sets: list[PageSet]) -> Table | None:
    """Return the most frequent word errors over all sets, a column for each system."""
    counts: dict[str, Counter] = {}
    for one in sets:
        for system in one.systems:
            found = counts.setdefault(system.name, Counter())
            for alignment in system.wer.utterances.values() if system.wer else ():
                found.update(piece for piece in alignment.pieces if piece.kind in KINDS)
    total = sum(counts.values(), Counter())
    if not total:
        return None
    frequent = sorted(total, key=lambda piece: (-total[piece], piece))[:SHOWN_ERRORS]
    said = (piece.reference or NOTHING for piece in frequent)
    recognised = (piece.hypothesis or NOTHING for piece in frequent)
    columns = [
        text_column("said", said, "word of the reference"),
        text_column("recognised", recognised, "word of the hypothesis"),
        text_column("error", (KINDS[piece.kind] for piece in frequent)),
    ]
    for name, found in counts.items():
        times = [found[piece] for piece in frequent]
        columns.append(count_column(name if len(counts) > 1 else "times", times))
    return Table("errors", "The most frequent word errors.", columns)
