"""The answer in sentences, from the figures alone."""

from collections.abc import Iterator
from typing import NamedTuple

from espnet2.result_page.cells import between, number
from espnet2.result_page.page_sets import PageSet, System
from espnet2.results.enhancement import METRICS, Scores, gain
from espnet2.results.recognition import difference

FEW = 30  # utterances, below which an interval says little
SPOKEN = ("SI_SNR", "PESQ_NB", "PESQ_WB", "STOI")  # the scores told in the summary
HINT = (
    "The intervals are about the choice of test utterances. Training again with "
    "another seed moves the figures too."
)


class Sentence(NamedTuple):
    """What matters most, and the rest of the sentence."""

    lead: str
    rest: str = ""


def summary(sets: list[PageSet]) -> list[Sentence]:
    """Return the sentences, a set at a time."""
    sentences = [sentence for one in sets for sentence in _of_set(one)]
    return sentences + [Sentence("", HINT)] * (len(sets[0].results) > 1)


def _of_set(one: PageSet) -> Iterator[Sentence]:
    scored = one.scored
    for system in scored:
        name = f"{system.name}: " if len(scored) > 1 else ""
        lead = f"{name}WER {number(system.wer.percent, 1)} %"
        interval = system.wer.interval
        rest = f" (95\u00a0% interval {between(interval, 1)})" if interval else ""
        yield Sentence(lead, f" on {one.name}{rest}.")
    for other in scored[1:]:
        yield _compared(one.name, scored[0], other)
    for letter, results in one.results.items():
        yield from _enhanced(letter, one, results.scores)
    yield from _snr_compared(one)
    if scored and scored[0].wer.counts.sentences < FEW:
        few = f"{one.name} has only {scored[0].wer.counts.sentences} utterances"
        yield Sentence(few, ", too few to conclude anything.")


def _compared(set_name: str, base: System, other: System) -> Sentence:
    found = difference(base.wer, other.wer)
    if found is None:
        both = f"{other.name} and {base.name} were scored on different references"
        return Sentence(both, f" of {set_name}, so they are not compared.")
    points, interval = found
    if points == 0:
        lead = f"{other.name} makes as many word errors as {base.name}"
        return Sentence(lead, f" on {set_name}.")
    lead = (
        f"{other.name} makes {number(abs(points), 1)} points "
        f"{'more' if points > 0 else 'fewer'} word errors than {base.name}"
    )
    if interval is None:
        return Sentence(lead, f" on {set_name}.")
    verdict = (
        "on other utterances it may be the other way round"
        if interval.holds_zero
        else "more than the choice of utterances explains"
    )
    return Sentence(lead, f" on {set_name} ({between(interval, 1, '+')}): {verdict}.")


def _enhanced(
    letter: str, one: PageSet, scores: dict[str, Scores]
) -> Iterator[Sentence]:
    parts, unclear = [], []
    for metric in SPOKEN:
        before, after = one.raw.scores.get(metric), scores.get(metric)
        change = gain(before, after)
        if change is None:
            continue
        name, unit = METRICS[metric]
        ends = f"{number(before.mean, 2)} to {number(after.mean, 2)} {unit}"
        parts.append(f"{name} from {ends.rstrip()}")
        if change.interval is None or change.interval.holds_zero:
            unclear.append(name)
    if parts:
        who = f"Enhancement by {letter}" if letter else "Enhancement"
        others = f", {_listed(parts[1:])}" if parts[1:] else ""
        doubt = f"; the change in {_listed(unclear)} may be chance" if unclear else ""
        yield Sentence(f"{who} takes {parts[0]}", f"{others} on {one.name}{doubt}.")


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)


def _snr_compared(one: PageSet) -> Iterator[Sentence]:
    """Compare the SI-SNR of the enhanced speech with the first experiment's."""
    found = {x: results.scores.get("SI_SNR") for x, results in one.results.items()}
    base_letter, *others = [letter for letter in found if found[letter]] or [""]
    for letter in others:
        change = gain(found[base_letter], found[letter])
        if change is None or change.interval is None:
            continue
        verdict = ", which may be chance" if change.interval.holds_zero else ""
        lead = (
            f"{letter}'s SI-SNR is {number(abs(change.value), 2)} dB "
            f"{'higher' if change.value > 0 else 'lower'} than {base_letter}'s"
        )
        ends = between(change.interval, 2, "+")
        yield Sentence(lead, f" on {one.name} ({ends}{verdict}).")
