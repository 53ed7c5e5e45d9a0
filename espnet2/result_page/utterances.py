"""The cards of the utterances to listen to."""

from collections.abc import Iterator
from typing import NamedTuple

from espnet2.result_page.cells import number
from espnet2.result_page.media import Media, make_media
from espnet2.result_page.page_sets import PageSet
from espnet2.result_page.selection import KINDS, select
from espnet2.results.alignment import Alignment

NAMES = {kind: kind for kind in (*KINDS, "sample")} | {"differ": "systems differ"}


class Line(NamedTuple):
    """One system's alignment."""

    system: str
    alignment: Alignment

    @property
    def errors(self) -> str:
        """The number of errors in words."""
        counts = self.alignment.counts
        if not counts.errors:
            return "no errors"
        length, rate = counts.reference_units, number(100 * counts.error_rate, 0)
        plural, words = "s" * (counts.errors > 1), "s" * (length != 1)
        return f"{counts.errors} error{plural} in {length} word{words}, {rate} %"


class Card(NamedTuple):
    """One utterance, of a set, as the page shows it; ``key`` is its element id."""

    key: str
    utterance: str
    of: PageSet
    kind: str
    media: Media
    lines: list[Line]


class Cards:
    """Chooses utterances and makes their cards; players are made once.

    Args:
        sets: those of the page.
    """

    def __init__(self, sets: list[PageSet]) -> None:
        self.sets = sets
        self._media: dict[tuple[str, str], Media] = {}

    def make(self, wanted: int) -> list[Card]:
        """Return the cards of ``wanted`` utterances, shared between the sets."""
        cards: list[Card] = []
        for place, one in enumerate(self.sets):
            share = (wanted + len(self.sets) - 1 - place) // len(self.sets)
            for utterance, kind in select(one, share).items():
                lines = [
                    Line(system.name, system.wer.utterances[utterance])
                    for system in one.scored
                    if utterance in system.wer.utterances
                ]
                key, media = f"u{len(cards) + 1}", self._media_of(one, utterance)
                cards.append(Card(key, utterance, one, NAMES[kind], media, lines))
        return cards

    def _media_of(self, one: PageSet, utterance: str) -> Media:
        key = (one.name, utterance)
        if key not in self._media:
            paths = dict(self._paths(one, utterance))
            self._media[key] = make_media(paths)
            if "Noisy" in paths and "Clean" not in paths:
                note = "There is no clean reference of this recording."
                self._media[key].notes.append(note)
        return self._media[key]

    def _paths(self, one: PageSet, utterance: str) -> Iterator[tuple[str, str]]:
        """Yield (name of the player, file); a noisy file is no clean reference."""
        noisy, clean = one.raw.noisy.get(utterance), one.raw.clean.get(utterance)
        if noisy:
            yield "Noisy", noisy
        for letter, results in one.results.items():
            if utterance in results.enhanced:
                name = f"Enhanced by {letter}" if letter else "Enhanced"
                yield name, results.enhanced[utterance]
        if clean and clean != noisy:
            yield "Clean", clean
