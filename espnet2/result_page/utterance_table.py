"""The table over the utterances to listen to."""

from collections.abc import Iterator

from espnet2.result_page.cells import (
    NOTHING,
    Cell,
    Column,
    Table,
    score_cell,
    text_cell,
)
from espnet2.result_page.experiment import Experiment, RawSet
from espnet2.result_page.systems import set_names, systems_of
from espnet2.result_page.utterances import KINDS, Card

CAPTION = "The utterances on this page. A heading sorts them, here and below."


def utterance_table(
    cards: list[Card], experiments: list[Experiment], raw: dict[str, RawSet]
) -> Table:
    """Return a row for each card, which its first cell links to."""
    sets = set_names(experiments)
    found = (s for name in sets for s in systems_of(experiments, name) if s.wer)
    systems = list(dict.fromkeys(system.name for system in found))
    columns = [Column("utterance", numeric=False), Column("kind", numeric=False)]
    columns += [Column("set", numeric=False)] * (len(sets) > 1)
    several = len(systems) > 1
    columns += [Column(f"WER % {name}" if several else "WER %") for name in systems]
    columns.append(Column("SI-SNR noisy", "dB"))
    columns += [Column(f"SI-SNR {e.letter or 'enhanced'}", "dB") for e in experiments]
    rows = [
        [
            text_cell(card.utterance, link=card.key),
            Cell(card.kind, list(KINDS.values()).index(card.kind)),
            *[text_cell(card.set_name)] * (len(sets) > 1),
            *_rates(card, systems, experiments),
            *_ratios(card, experiments, raw),
        ]
        for card in cards
    ]
    return Table("utterances", CAPTION, columns, rows)


def _rates(
    card: Card, systems: list[str], experiments: list[Experiment]
) -> Iterator[Cell]:
    found = {s.name: s.wer for s in systems_of(experiments, card.set_name) if s.wer}
    for name in systems:
        errors = found[name].utterances.get(card.utterance) if name in found else None
        yield score_cell(100 * errors.rate, 0) if errors else Cell(NOTHING)


def _ratios(
    card: Card, experiments: list[Experiment], raw: dict[str, RawSet]
) -> Iterator[Cell]:
    sides = [raw[card.set_name].scores]
    for exp in experiments:
        results = exp.sets.get(card.set_name)
        sides.append(results.scores if results else {})
    for scores in sides:
        values = scores["SI_SNR"].values if "SI_SNR" in scores else {}
        yield score_cell(values.get(card.utterance), 1)
