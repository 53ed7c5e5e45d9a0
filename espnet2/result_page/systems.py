"""The systems of a page, side by side: one for each decoding of each experiment."""

from typing import NamedTuple

from espnet2.result_page.experiment import Decoding, Experiment
from espnet2.result_page.intervals import Interval, ratio_interval
from espnet2.result_page.recognition import ErrorRate


class System(NamedTuple):
    """One decoding of one set; ``name`` is short and unique in the set."""

    name: str
    experiment: Experiment
    decoding: Decoding

    @property
    def wer(self) -> ErrorRate | None:
        """Its word error rate, if scored."""
        return self.decoding.rates.get("wer")


def set_names(experiments: list[Experiment]) -> list[str]:
    """Return the sets of all experiments, in the order in which they are found."""
    return list(dict.fromkeys(name for exp in experiments for name in exp.sets))


def systems_of(experiments: list[Experiment], set_name: str) -> list[System]:
    """Return the systems that decoded a set."""
    found = []
    for exp in experiments:
        decodings = exp.sets[set_name].decodings if set_name in exp.sets else []
        for decoding in decodings:
            several = len(decodings) > 1
            short = exp.letter or (decoding.tag if several else exp.name)
            if exp.letter and several:
                short = f"{exp.letter}: {decoding.tag}"
            found.append(System(short, exp, decoding))
    return found


def wer_difference(
    base: ErrorRate, other: ErrorRate
) -> tuple[float, Interval | None] | None:
    """Return ``other`` less ``base`` in points of WER, paired by utterance.

    None unless both were scored on the same utterances and words.
    """
    lengths = {key: errors.length for key, errors in base.utterances.items()}
    if lengths != {key: errors.length for key, errors in other.utterances.items()}:
        return None
    differences = [
        100 * (other.utterances[key].number - errors.number)
        for key, errors in base.utterances.items()
    ]
    words = list(lengths.values())
    return sum(differences) / sum(words), ratio_interval(differences, words)
