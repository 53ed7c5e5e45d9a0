"""The tables of scores: recognition, differences, enhancement, what goes wrong."""

from collections import Counter
from collections.abc import Iterator

from espnet2.result_page.cells import (
    NOTHING,
    Cell,
    Column,
    Table,
    count_cell,
    score_cell,
    text_cell,
    with_whiskers,
)
from espnet2.result_page.enhancement import METRICS, Metric, gain
from espnet2.result_page.experiment import Experiment, RawSet
from espnet2.result_page.recognition import COUNTS, ErrorRate
from espnet2.result_page.systems import set_names, systems_of

SHOWN_ERRORS = 10
KINDS = {"substitute": "replaced", "delete": "left out", "insert": "added"}
RECOGNITION = (
    Column("WER %", "word error rate, with 95\u00a0% interval"),
    Column("CER %", "character error rate, with 95\u00a0% interval"),
    Column("replaced", "words replaced by others (substitutions), of the WER"),
    Column("left out", "words left out (deletions), of the WER"),
    Column("added", "words added (insertions), of the WER"),
    Column("utterances"),
    Column("words", "words of the reference"),
)


def recognition_table(experiments: list[Experiment]) -> Table | None:
    """Return a row for each system and set, None where nothing is scored."""
    sets = set_names(experiments)
    found = [
        (name, system)
        for name in sets
        for system in systems_of(experiments, name)
        if system.decoding.rates
    ]
    if not found:
        return None
    by_system = len({system.name for _, system in found}) > 1
    by_set = len(sets) > 1 or not by_system
    columns = [Column("system", numeric=False)] * by_system
    columns += [Column("set", numeric=False)] * by_set
    rates = [
        _rate_column([system.decoding.rates.get(kind) for _, system in found])
        for kind in ("wer", "cer")
    ]
    rows = [
        [text_cell(system.name)] * by_system
        + [text_cell(name)] * by_set
        + [wer, cer, *_parts(system.wer)]
        for (name, system), wer, cer in zip(found, *rates, strict=True)
    ]
    drawn = ", drawn on one scale" if len(rows) > 1 else ""
    caption = (
        f"Recognition: lower is better; small figures are 95\u00a0% intervals{drawn}."
    )
    return Table("recognition", caption, [*columns, *RECOGNITION], rows)


def _rate_column(rates: list[ErrorRate | None]) -> list[Cell]:
    cells = [
        score_cell(rate.percent, 1, rate.interval) if rate else Cell(NOTHING)
        for rate in rates
    ]
    return with_whiskers(cells, [rate.interval if rate else None for rate in rates])


def _parts(wer: ErrorRate | None) -> list[Cell]:
    if wer is None:
        return [Cell(NOTHING)] * 5
    kinds = [score_cell(100 * wer.counts[name] / wer.length, 1) for name in COUNTS[1:]]
    return [*kinds, count_cell(len(wer.utterances)), count_cell(wer.length)]


def enhancement_table(
    experiments: list[Experiment], raw: dict[str, RawSet]
) -> Table | None:
    """Return a row for each set and metric, None without any score."""
    sets = set_names(experiments)
    columns = [Column("score", numeric=False)]
    columns += [Column("set", numeric=False)] * (len(sets) > 1)
    columns.append(Column("noisy", "mean over the utterances of the noisy speech"))
    for exp in experiments:
        title = "mean over the utterances of the enhanced speech"
        columns.append(Column(exp.letter or "enhanced", title))
        title = "mean of enhanced less noisy, with 95\u00a0% interval"
        columns.append(Column(f"{exp.letter} change".strip(), title))
    rows = [
        [
            text_cell(metric.name, metric.unit),
            *([text_cell(name)] if len(sets) > 1 else []),
            *_metric_cells(experiments, raw[name], name, metric),
        ]
        for name in sets
        for metric in METRICS
        if any(metric.key in e.sets[name].scores for e in experiments if name in e.sets)
    ]
    caption = "Enhancement: higher is better; small figures are 95\u00a0% intervals."
    return Table("enhancement", caption, columns, rows) if rows else None


def _metric_cells(
    experiments: list[Experiment], raw: RawSet, set_name: str, metric: Metric
) -> Iterator[Cell]:
    before = raw.scores.get(metric.key)
    yield score_cell(before.mean if before else None, 2)
    for exp in experiments:
        results = exp.sets.get(set_name)
        after = results.scores.get(metric.key) if results else None
        change = gain(before, after) if before and after else None
        yield score_cell(after.mean if after else None, 2)
        if change:
            yield score_cell(change.mean, 2, change.interval, "+")
        else:
            yield Cell(NOTHING)


def error_table(experiments: list[Experiment]) -> Table | None:
    """Return the most frequent word errors over all sets, a column for each system."""
    counts: dict[str, Counter] = {}
    for name in set_names(experiments):
        for system in systems_of(experiments, name):
            found = counts.setdefault(system.name, Counter())
            for errors in system.wer.utterances.values() if system.wer else ():
                found.update(piece for piece in errors.pieces if piece.kind in KINDS)
    total = sum(counts.values(), Counter())
    if not total:
        return None
    frequent = sorted(total, key=lambda piece: (-total[piece], piece))[:SHOWN_ERRORS]
    rows = [
        [
            text_cell(piece.reference or NOTHING),
            text_cell(piece.hypothesis or NOTHING),
            text_cell(KINDS[piece.kind]),
            *(count_cell(found[piece]) for found in counts.values()),
        ]
        for piece in frequent
    ]
    names = list(counts) if len(counts) > 1 else ["times"]
    columns = [
        Column("said", "word of the reference", numeric=False),
        Column("recognised", "word of the hypothesis", numeric=False),
        Column("error", numeric=False),
        *(Column(name) for name in names),
    ]
    return Table("errors", "The most frequent word errors.", columns, rows)
