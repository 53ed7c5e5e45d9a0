"""The row of a finished run, read from its experiment folder.

Word errors come from the decoded text itself, CER and the enhancement scores from the
files of stages 14 and 15. Figures of the training come from its TensorBoard files:
``conflict``, ``rescaled`` and ``step_seconds`` are means of the epochs' means;
``stretch_p50`` and ``stretch_p99`` are percentiles of what was logged in between, which
is every step (but an epoch's last) with ``--log_interval 1``. ``steps`` counts batches.
"""

import math
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import (
    SCALARS,
    EventAccumulator,
)

from espnet2.data_dir.tables import DataError
from espnet2.results.alignment import align, read_counts
from espnet2.results.comparison import KEY, Counts
from espnet2.results.enhancement import read_mean
from espnet2.results.tables import read_scored
from study.plan import Run

TEST_SET = "test"
EPOCH_MEANS = {
    "conflict": "grad_conflict",
    "rescaled": "grad_rescaled",
    "step_seconds": "train_time",
}
ENH_SCORES = {"si_snr": "SI_SNR", "sdr": "SDR", "stoi": "STOI", "pesq": "PESQ_nb"}
Figures = dict[str, float]
Scalars = dict[str, dict[int, float]]


def collect_row(
    run: Run, config: str, environment: dict[str, str]
) -> tuple[dict[str, str], Counts]:
    """Return the run's row and its word errors by utterance.

    Args:
        run: the run, finished.
        config: name of the base config.
        environment: what ``describe_environment`` said when its training began.

    Raises:
        OSError, ValueError: a result is missing or is none.
    """
    folder, exp = run.condition.folder, run.folder
    decoded = _only(exp, f"*/{TEST_SET}/text_spk1").parent
    utterances, counts = word_errors(
        folder / "dump/raw" / TEST_SET / "text_spk1", decoded / "text_spk1"
    )
    levels = _read_levels(folder / "data" / TEST_SET / "utt2cnr", utterances)
    figures = {
        **error_rates(counts, levels),
        "cer": 100 * read_counts(decoded / "score_cer" / "score.json").error_rate,
        **enhancement_scores(exp / f"enhanced_{TEST_SET}" / "scoring"),
        **training_figures(exp / "tensorboard"),
    }
    row = {
        **dict(zip(KEY, run.key, strict=True)),
        "config": config,
        "commit": environment["Git hash"],
        "machine": environment["machine"],
        "cnr": f"{min(levels):.0f}..{max(levels):.0f}" if levels else "nan",
        **{name: f"{value:.6g}" for name, value in figures.items()},
    }
    return row, counts


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DataError(f"{folder}: expected one {pattern}, found {len(found)}")
    return found[0]


def word_errors(reference: Path, hypothesis: Path) -> tuple[list[str], Counts]:
    """Return the utterances, sorted, and the (errors, words) of each."""
    texts, decoded = read_scored(reference), read_scored(hypothesis)
    if texts.keys() != decoded.keys():
        raise DataError(f"{hypothesis}: has other utterances than {reference}")
    utterances = sorted(texts)
    pairs = ((texts[key].split(), decoded[key].split()) for key in utterances)
    counts = [align(*pair).counts for pair in pairs]
    return utterances, [(c.errors, c.reference_units) for c in counts]


def _read_levels(path: Path, utterances: list[str]) -> list[float]:
    """Return the carrier-to-noise ratios in dB, [] where there is no such table."""
    if not path.exists():
        return []
    table = read_scored(path)
    return [float(table[utterance]) for utterance in utterances]


def error_rates(counts: Counts, levels: list[float]) -> Figures:
    """Return the WER in per cent, of all utterances and of thirds by their level.

    ``wer_low`` belongs to the third of the utterances with the lowest levels.
    """
    table = np.array(counts)
    rates = {"wer": _rate(table)}
    if levels:
        thirds = np.array_split(np.argsort(levels, kind="stable"), 3)
        for name, third in zip(("low", "mid", "high"), thirds, strict=True):
            rates[f"wer_{name}"] = _rate(table[third])
    return rates


def _rate(table: np.ndarray) -> float:
    errors, words = table.sum(0)
    return 100 * errors / words if words else math.nan


def enhancement_scores(scoring: Path) -> Figures:
    """Return the means of the enhancement scores, nan for one that is not there."""
    means = {name: read_mean(scoring, metric) for name, metric in ENH_SCORES.items()}
    return {n: math.nan if m in ("-", "n/a") else float(m) for n, m in means.items()}


def training_figures(tensorboard: Path) -> Figures:
    """Return what the training logged, nan for what it did not."""
    train, valid = (_read_scalars(tensorboard / part) for part in ("train", "valid"))
    ends = train.get("iter_epoch", {}).keys()
    figures = {"steps": max(ends, default=math.nan)}
    for name, tag in EPOCH_MEANS.items():
        means = [value for step, value in train.get(tag, {}).items() if step in ends]
        figures[name] = float(np.mean(means)) if means else math.nan
    logged = train.get("grad_stretch", {})
    stretch = [value for step, value in logged.items() if step not in ends]
    for percent in (50, 99):
        value = float(np.percentile(stretch, percent)) if stretch else math.nan
        figures[f"stretch_p{percent}"] = value
    figures["valid_acc"] = max(valid.get("acc", {}).values(), default=math.nan)
    return figures


def _read_scalars(folder: Path) -> Scalars:
    """Return tag -> step -> value; of a step made again after a stop, the last one."""
    if not folder.is_dir():
        return {}
    events = EventAccumulator(str(folder), size_guidance={SCALARS: 0})
    events.Reload()
    return {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }
