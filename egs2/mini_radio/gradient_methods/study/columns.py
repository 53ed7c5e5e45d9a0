"""The columns that a table of methods may have."""

import math
from collections.abc import Callable

from study.statistics import Summary


def _text(value: float, digits: int, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.{digits}f}"


def _mean(figure: str, digits: int) -> Callable[[Summary], str]:
    return lambda item: _text(item.mean[figure], digits)


def _std(figure: str) -> Callable[[Summary], str]:
    return lambda item: _text(item.std[figure], 2)


def _each_seed(item: Summary) -> str:
    return ", ".join(_text(float(row["wer"]), 2) for row in item.rows.values())


COLUMNS: dict[str, Callable[[Summary], str]] = {
    "method": lambda item: item.method,
    "WER %": _mean("wer", 2),
    "WER std": _std("wer"),
    "each seed": _each_seed,
    "seeds": lambda item: str(len(item.rows)),
    "change %": lambda item: _text(item.change, 1, "+"),
    "p": lambda item: _text(item.p_value, 4),
    "CER %": _mean("cer", 2),
    "WER low": _mean("wer_low", 1),
    "mid": _mean("wer_mid", 1),
    "high CNR": _mean("wer_high", 1),
    "valid acc": _mean("valid_acc", 3),
    "SI-SNR dB": _mean("si_snr", 2),
    "SI-SNR std": _std("si_snr"),
    "SDR dB": _mean("sdr", 2),
    "STOI %": _mean("stoi", 1),
    "PESQ": _mean("pesq", 2),
    "conflict": _mean("conflict", 3),
    "rescaled": _mean("rescaled", 3),
    "stretch p50": _mean("stretch_p50", 2),
    "p99": _mean("stretch_p99", 2),
    "s/step": _mean("step_seconds", 3),
}
