"""Speech enhancement scores of a set, noisy and enhanced, with intervals."""

import math
from pathlib import Path
from typing import NamedTuple

from espnet2.result_page.intervals import Interval, mean_interval
from espnet2.result_page.tables import c_order, read_lines, read_numbers
from espnet2.results.score_validity import is_score


class Metric(NamedTuple):
    """A score: its name in the files, its name for readers, its unit."""

    key: str
    name: str
    unit: str


# With one speaker SIR is infinite and SAR equals SDR, so they tell nothing.
METRICS = (
    Metric("SI_SNR", "SI-SNR", "dB"),
    Metric("SDR", "SDR", "dB"),
    Metric("PESQ_NB", "PESQ (nb)", ""),
    Metric("PESQ_WB", "PESQ (wb)", ""),
    Metric("STOI", "STOI", "%"),
    Metric("ESTOI", "ESTOI", "%"),
)


class Scores(NamedTuple):
    """One metric of one set: the mean that stage 15 wrote, and each utterance's."""

    mean: float
    values: dict[str, float]


class Gain(NamedTuple):
    """What enhancement adds: the mean over the utterances scored on both sides."""

    mean: float
    interval: Interval | None
    utterances: int


def read_scores(scoring: Path) -> dict[str, Scores]:
    """Return metric key -> scores of a ``scoring`` folder, without what it lacks.

    Raises:
        ValueError: a file of it cannot be read.
    """
    found = {}
    for metric in METRICS:
        result = scoring / f"result_{metric.key.lower()}.txt"
        table = scoring / f"{metric.key}_spk1"
        if not (result.exists() and table.exists()):
            continue
        text = " ".join(read_lines(result)).strip()
        try:
            mean = math.nan if text == "n/a" else float(text)
        except ValueError:
            raise ValueError(
                f"{result}: expected one number, found '{text}'; run stage 15 again"
            ) from None
        values = read_numbers(table)
        scored = {key: v for key, v in values.items() if is_score(metric.key, v)}
        found[metric.key] = Scores(mean, scored)
    return found


def gain(before: Scores, after: Scores) -> Gain | None:
    """Return the mean of ``after - before``; None without an utterance in common."""
    common = c_order(before.values.keys() & after.values.keys())
    if not common:
        return None
    differences = [after.values[key] - before.values[key] for key in common]
    mean = math.fsum(differences) / len(common)
    return Gain(mean, mean_interval(differences), len(common))
