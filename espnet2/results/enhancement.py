"""Speech enhancement scores of a set, noisy and enhanced, with intervals."""

import math
from pathlib import Path
from typing import NamedTuple

from espnet2.results.intervals import Estimate, mean_interval
from espnet2.results.tables import read_scored, to_number

ENH_TAG = "enhanced"  # begins the names of folders of enhanced speech, by default
NO_STOI = 1e-5 * 100  # what pystoi returns for too few frames, in per cent


# Name in the files: name for readers and unit. With one speaker SIR is infinite and SAR
# equals SDR, so they tell nothing.
METRICS = {
    "SI_SNR": ("SI-SNR", "dB"),
    "SDR": ("SDR", "dB"),
    "PESQ_NB": ("PESQ (nb)", ""),
    "PESQ_WB": ("PESQ (wb)", ""),
    "STOI": ("STOI", "%"),
    "ESTOI": ("ESTOI", "%"),
}


class Scores(NamedTuple):
    """One metric of one set: the mean that stage 15 wrote, and each utterance's."""

    mean: float
    values: dict[str, float]


def is_score(metric: str, value: float) -> bool:
    """Return whether a number that upstream's scoring wrote is a score at all.

    PESQ below 0 is an error code, STOI of 0.001 % stands for too few frames; what is
    infinite or undefined is a score of no metric.
    """
    if metric.startswith("PESQ"):
        return math.isfinite(value) and value >= 0
    if metric in ("STOI", "ESTOI"):
        return math.isfinite(value) and value != NO_STOI
    return math.isfinite(value)


def read_numbers(path: Path) -> dict[str, float]:
    """Return utterance -> score, whatever the number is worth (see `is_score`).

    Raises:
        DataError: as `read_scored`, or a value is not one number.
    """
    return {
        utterance: to_number(value, f"{path}: '{utterance}'", "; run stage 15")
        for utterance, value in read_scored(path).items()
    }


def read_mean(scoring: Path, metric: str) -> str:
    """Return what ``result_<metric>.txt`` says: a number, "n/a", "-" without a file."""
    path = scoring / f"result_{metric.lower()}.txt"
    if not path.exists():
        return "-"
    text = path.read_text(encoding="utf-8").strip()
    if text != "n/a":
        to_number(text, path, "; run stage 15")
    return text


def read_pesq(scoring: Path) -> str:
    """Return the mean PESQ with its mode, e.g. ``2.51 nb``."""
    found = {mode: read_mean(scoring, f"PESQ_{mode}") for mode in ("nb", "wb")}
    texts = [f"{mean} {mode}" for mode, mean in found.items() if mean != "-"]
    return " / ".join(texts) or "-"


def read_scores(scoring: Path) -> dict[str, Scores]:
    """Return metric key -> scores of a ``scoring`` folder, without what it lacks.

    Raises:
        DataError: a file of it cannot be read.
    """
    found = {}
    for metric in METRICS:
        mean, table = read_mean(scoring, metric), scoring / f"{metric}_spk1"
        if mean == "-" or not table.exists():
            continue
        values = read_numbers(table)
        scored = {key: x for key, x in values.items() if is_score(metric, x)}
        found[metric] = Scores(math.nan if mean == "n/a" else float(mean), scored)
    return found


def gain(before: Scores | None, after: Scores | None) -> Estimate | None:
    """Return the mean of ``after - before`` over the utterances scored on both sides.

    None without an utterance in common.
    """
    if not (before and after):
        return None
    common = sorted(before.values.keys() & after.values.keys())
    if not common:
        return None
    differences = [after.values[key] - before.values[key] for key in common]
    return Estimate(math.fsum(differences) / len(common), mean_interval(differences))
