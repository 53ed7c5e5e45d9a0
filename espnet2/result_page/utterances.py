"""The cards of the utterances to listen to."""

from collections.abc import Iterator
from typing import NamedTuple

from espnet2.result_page.cells import number
from espnet2.result_page.experiment import Experiment, RawSet
from espnet2.result_page.media import Media, make_media
from espnet2.result_page.recognition import Piece
from espnet2.result_page.selection import choose, rank, spaced, spread
from espnet2.result_page.systems import System, set_names, systems_of

KINDS = {
    "worst": "worst",
    "differ": "systems differ",
    "median": "median",
    "best": "best",
    "sample": "sample",
}


class Line(NamedTuple):
    """One system's alignment; ``errors`` in words."""

    system: str
    pieces: list[Piece]
    errors: str


class Card(NamedTuple):
    """One utterance as the page shows it; ``key`` is its element id."""

    key: str
    utterance: str
    set_name: str
    kind: str
    speaker: str
    media: Media
    lines: list[Line]


class Cards:
    """Chooses utterances and makes their cards; players are made once.

    Args:
        experiments: those of the page.
        raw: set -> its dump.
    """

    def __init__(self, experiments: list[Experiment], raw: dict[str, RawSet]) -> None:
        self.experiments = experiments
        self.raw = raw
        self._media: dict[tuple[str, str], Media] = {}

    def make(self, wanted: int) -> list[Card]:
        """Return the cards of ``wanted`` utterances, shared between the sets."""
        names = set_names(self.experiments)
        chosen = []
        for place, name in enumerate(names):
            share = (wanted + len(names) - 1 - place) // len(names)
            chosen += [(name, *item) for item in self._choose(name, share).items()]
        return [self._card(place, *item) for place, item in enumerate(chosen, start=1)]

    def _choose(self, name: str, share: int) -> dict[str, str]:
        rates = [s.wer for s in systems_of(self.experiments, name) if s.wer]
        found = [exp.sets[name] for exp in self.experiments if name in exp.sets]
        scores = [s.scores["SI_SNR"] for s in found if "SI_SNR" in s.scores]
        ranked = rank(rates, scores)
        if ranked:
            return choose(ranked, share, spread(rates) if len(rates) > 1 else None)
        known = self.raw[name].noisy or next((s.enhanced for s in found), {})
        return spaced(list(known), share)

    def _card(self, place: int, set_name: str, utterance: str, kind: str) -> Card:
        key = (set_name, utterance)
        if key not in self._media:
            self._media[key] = self._make_media(set_name, utterance)
        lines = [
            _line(system, utterance)
            for system in systems_of(self.experiments, set_name)
            if system.wer and utterance in system.wer.utterances
        ]
        speaker = self.raw[set_name].speakers.get(utterance, "")
        media = self._media[key]
        return Card(
            f"u{place}", utterance, set_name, KINDS[kind], speaker, media, lines
        )

    def _make_media(self, set_name: str, utterance: str) -> Media:
        paths = dict(self._paths(set_name, utterance))
        media = make_media(paths)
        if "Noisy" in paths and "Clean" not in paths:
            media.notes.append("There is no clean reference of this recording.")
        return media

    def _paths(self, set_name: str, utterance: str) -> Iterator[tuple[str, str]]:
        """Yield (name of the player, file); a noisy file is no clean reference."""
        raw = self.raw[set_name]
        noisy, clean = raw.noisy.get(utterance), raw.clean.get(utterance)
        if noisy:
            yield "Noisy", noisy
        for exp in self.experiments:
            results = exp.sets.get(set_name)
            if results and utterance in results.enhanced:
                name = f"Enhanced by {exp.letter}" if exp.letter else "Enhanced"
                yield name, results.enhanced[utterance]
        if clean and clean != noisy:
            yield "Clean", clean


def _line(system: System, utterance: str) -> Line:
    errors = system.wer.utterances[utterance]
    if not errors.number:
        return Line(system.name, errors.pieces, "no errors")
    plural = "s" * (errors.number > 1)
    words = f"{errors.length} word{'s' * (errors.length != 1)}"
    rate = number(100 * errors.rate, 0)
    text = f"{errors.number} error{plural} in {words}, {rate} %"
    return Line(system.name, errors.pieces, text)
