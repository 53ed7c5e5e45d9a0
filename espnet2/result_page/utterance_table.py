"""The table over the utterances to listen to."""

from espnet2.result_page.cells import (
    Cell,
    Column,
    Table,
    score_cell,
    text_cell,
    text_column,
)
from espnet2.result_page.page_sets import PageSet
from espnet2.result_page.utterances import NAMES, Card
from espnet2.results.enhancement import Scores

CAPTION = "The utterances on this page. A heading sorts them, here and below."


def utterance_table(cards: list[Card], sets: list[PageSet]) -> Table:
    """Return a row for each card, which its first cell links to."""
    kinds = list(NAMES.values())
    systems = dict.fromkeys(system.name for one in sets for system in one.scored)
    columns = [
        Column(
            "utterance",
            "",
            [text_cell(c.utterance, link=c.key) for c in cards],
            numeric=False,
        ),
        Column(
            "kind",
            "",
            [Cell(c.kind, kinds.index(c.kind)) for c in cards],
            numeric=False,
        ),
        *[text_column("set", [card.of.name for card in cards])] * (len(sets) > 1),
        *(
            _rate_column(f"WER % {name}" if len(systems) > 1 else "WER %", name, cards)
            for name in systems
        ),
        _snr_column("noisy", cards, [card.of.raw.scores for card in cards]),
    ]
    for letter in sets[0].results:
        scores = [card.of.results[letter].scores for card in cards]
        columns.append(_snr_column(letter or "enhanced", cards, scores))
    return Table("utterances", CAPTION, columns)


def _rate_column(name: str, system: str, cards: list[Card]) -> Column:
    cells = []
    for card in cards:
        rates = {x.system: x.alignment.counts.error_rate for x in card.lines}
        cells.append(score_cell(100 * rates[system], 0) if system in rates else Cell())
    return Column(name, "", cells)


def _snr_column(
    name: str, cards: list[Card], scores: list[dict[str, Scores]]
) -> Column:
    cells = [
        score_cell(table["SI_SNR"].values.get(card.utterance), 1)
        if "SI_SNR" in table
        else Cell()
        for card, table in zip(cards, scores, strict=True)
    ]
    return Column(f"SI-SNR {name}", "dB", cells)
