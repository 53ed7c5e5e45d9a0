"""The answer in sentences, from the figures alone."""

from collections.abc import Iterator
from typing import NamedTuple

from espnet2.result_page.cells import between, number
from espnet2.result_page.enhancement import METRICS, Gain, gain
from espnet2.result_page.experiment import Experiment, RawSet
from espnet2.result_page.intervals import mean_interval
from espnet2.result_page.systems import (
    System,
    set_names,
    systems_of,
    wer_difference,
)

FEW = 30  # utterances, below which an interval says little
SPOKEN = ("SI_SNR", "PESQ_NB", "PESQ_WB", "STOI")  # the scores told in the summary


class Sentence(NamedTuple):
    """What matters most, and the rest of the sentence."""

    lead: str
    rest: str = ""


def summary(experiments: list[Experiment], raw: dict[str, RawSet]) -> list[Sentence]:
    """Return the sentences, a set at a time."""
    sentences = []
    for name in set_names(experiments):
        scored = [s for s in systems_of(experiments, name) if s.wer]
        sentences += [_recognised(name, s, len(scored) > 1) for s in scored]
        sentences += [_compared(name, scored[0], other) for other in scored[1:]]
        for exp in experiments:
            sentences += _enhanced(exp, name, raw[name])
        sentences += _snr_compared(experiments, name)
        if scored and len(scored[0].wer.utterances) < FEW:
            few = f"{name} has only {len(scored[0].wer.utterances)} utterances"
            sentences.append(Sentence(few, ", too few to conclude anything."))
    if len(experiments) > 1:
        hint = (
            "The intervals are about the choice of test utterances. Training again "
            "with another seed moves the figures too."
        )
        sentences.append(Sentence("", hint))
    return sentences


def _recognised(set_name: str, system: System, is_one_of_many: bool) -> Sentence:
    wer = system.wer
    name = f"{system.name}: " if is_one_of_many else ""
    lead = f"{name}WER {number(wer.percent, 1)} %"
    interval = (
        f" (95\u00a0% interval {between(wer.interval, 1)})" if wer.interval else ""
    )
    return Sentence(lead, f" on {set_name}{interval}.")


def _compared(set_name: str, base: System, other: System) -> Sentence:
    found = wer_difference(base.wer, other.wer)
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


def _enhanced(exp: Experiment, set_name: str, raw: RawSet) -> Iterator[Sentence]:
    results = exp.sets.get(set_name)
    parts, unclear = [], []
    for metric in METRICS:
        before = raw.scores.get(metric.key)
        after = results.scores.get(metric.key) if results else None
        change = gain(before, after) if before and after else None
        if metric.key not in SPOKEN or change is None:
            continue
        unit = f" {metric.unit}" if metric.unit else ""
        ends = f"{number(before.mean, 2)} to {number(after.mean, 2)}{unit}"
        parts.append(f"{metric.name} from {ends}")
        if _is_unclear(change):
            unclear.append(metric.name)
    if parts:
        who = f"Enhancement by {exp.letter}" if exp.letter else "Enhancement"
        others = f", {_listed(parts[1:])}" if parts[1:] else ""
        doubt = f"; the change in {_listed(unclear)} may be chance" if unclear else ""
        lead = f"{who} takes {parts[0]}"
        yield Sentence(lead, f"{others} on {set_name}{doubt}.")


def _is_unclear(change: Gain) -> bool:
    return change.interval is None or change.interval.holds_zero


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)


def _snr_compared(experiments: list[Experiment], set_name: str) -> Iterator[Sentence]:
    """Compare the SI-SNR of the enhanced speech with the first experiment's."""
    scored = [
        (exp.letter, exp.sets[set_name].scores["SI_SNR"].values)
        for exp in experiments
        if set_name in exp.sets and "SI_SNR" in exp.sets[set_name].scores
    ]
    for letter, values in scored[1:]:
        base_letter, base = scored[0]
        differences = [values[key] - base[key] for key in base if key in values]
        interval = mean_interval(differences)
        if interval is None:
            continue
        mean = sum(differences) / len(differences)
        verdict = ", which may be chance" if interval.holds_zero else ""
        lead = (
            f"{letter}'s SI-SNR is {number(abs(mean), 2)} dB "
            f"{'higher' if mean > 0 else 'lower'} than {base_letter}'s"
        )
        yield Sentence(lead, f" on {set_name} ({between(interval, 2, '+')}{verdict}).")
