"""The sets of a page: what all experiments made of each, side by side."""

from pathlib import Path
from typing import NamedTuple

from espnet2.results.experiment import Experiment, RawSet, SetResults, read_raw_set
from espnet2.results.recognition import ErrorRate


class System(NamedTuple):
    """One decoding of one experiment; ``name`` is short and unique in the set."""

    name: str
    rates: dict[str, ErrorRate]

    @property
    def wer(self) -> ErrorRate | None:
        """Its word error rate, if scored."""
        return self.rates.get("wer")


class PageSet(NamedTuple):
    """One set.

    Attributes:
        name: of the set.
        raw: what the dump holds.
        results: letter of each experiment -> its results, empty without the set.
        systems: its decodings.
    """

    name: str
    raw: RawSet
    results: dict[str, SetResults]
    systems: list[System]

    @property
    def scored(self) -> list[System]:
        """The systems with a word error rate."""
        return [system for system in self.systems if system.wer]


def gather(
    experiments: list[Experiment], dumpdir: Path, missing: list[str]
) -> list[PageSet]:
    """Return the sets of all experiments, in the order in which they are found."""
    sets = []
    for name in dict.fromkeys(name for exp in experiments for name in exp.sets):
        results = {exp.letter: exp.results(name) for exp in experiments}
        is_scored = any(found.scores for found in results.values())
        raw = read_raw_set(dumpdir, name, is_scored, missing)
        systems = [
            System(_short_name(exp, tag, len(exp.results(name).decodings) > 1), rates)
            for exp in experiments
            for tag, rates in exp.results(name).decodings.items()
        ]
        sets.append(PageSet(name, raw, results, systems))
    return sets


def _short_name(exp: Experiment, tag: str, is_one_of_many: bool) -> str:
    parts = [exp.letter, tag if is_one_of_many else ""]
    return ": ".join(part for part in parts if part) or exp.name
