"""Figures that say how near the toy corpus comes to real radio recordings."""

from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import correlate, welch

FRAME = 200  # samples: 25 ms at 8 kHz
SPEECH_BAND = (300.0, 3300.0)  # Hz
MEASURED = 200  # utterances of a set whose audio is read


def energy_above(noisy: np.ndarray, rate: int, cutoff: float = 3400.0) -> float:
    """Mean power density above ``cutoff`` (Hz) over that of the speech band, dB.

    The signal is ``(samples,)``, at least 512 long, at ``rate`` Hz.
    """
    window = ("kaiser", 12.0)  # side lobes far below what is measured
    frequency, power = welch(noisy, rate, window=window, nperseg=512)
    low, high = SPEECH_BAND
    speech = power[(frequency >= low) & (frequency <= high)].mean()
    # 32 Hz of margin: half the main lobe of the window
    return _decibels(power[frequency >= cutoff + 32.0].mean(), speech)


def peak_correlation(clean: np.ndarray, noisy: np.ndarray) -> tuple[float, int]:
    """Highest absolute normalised cross-correlation, 0 to 1, and its lag in samples.

    Both are ``(samples,)``; a positive lag means that the noisy one comes later.
    """
    norm = np.sqrt(np.sum(clean**2) * np.sum(noisy**2))
    correlation = np.abs(correlate(noisy, clean, method="fft")) / norm
    best = int(np.argmax(correlation))
    return float(correlation[best]), best - (len(clean) - 1)


def noise_to_speech(clean: np.ndarray, noisy: np.ndarray) -> float:
    """Noisy power where the clean signal is silent over that where it speaks, dB.

    A frame of 25 ms is silent more than 40 dB below the loudest clean frame and
    speech less than 20 dB below it. NaN if there is no silent frame.
    """
    frames = len(clean) // FRAME
    clean_power, noisy_power = (
        np.mean(signal[: frames * FRAME].reshape(frames, FRAME) ** 2, axis=1)
        for signal in (clean, noisy)
    )
    silent = clean_power < 1e-4 * clean_power.max()
    speech = clean_power > 1e-2 * clean_power.max()
    if not silent.any():
        return float("nan")
    return _decibels(noisy_power[silent].mean(), noisy_power[speech].mean())


def realism_report(corpus_dir: Path, records: dict[str, list[dict]]) -> str:
    """A table of sizes and signal figures, one column a set."""
    train_words = {word for r in records["train"] for word in r["text"].split()}
    columns = {
        name: {**_sizes(rows, train_words), **_signals(corpus_dir / name, rows)}
        for name, rows in records.items()
    }
    table = {"": list(columns)}
    for title in next(iter(columns.values())):
        table[title] = [column[title] for column in columns.values()]
    return "\n".join(
        f"{title:38}" + "".join(f"{cell:>22}" for cell in cells)
        for title, cells in table.items()
    )


def _sizes(rows: list[dict], train_words: set[str]) -> dict[str, str]:
    words = [word for row in rows for word in row["text"].split()]
    outside = sum(word not in train_words for word in words)
    return {
        "voices": f"{len({row['voice'] for row in rows})}",
        "utterances": f"{len(rows)}",
        "words": f"{len(words)}",
        "vocabulary, words": f"{len(set(words))}",
        "words unknown to train, %": f"{100 * outside / len(words):.2f}",
        "hours": f"{sum(row['samples'] for row in rows) / 8000 / 3600:.2f}",
    }


def _signals(set_folder: Path, rows: list[dict]) -> dict[str, str]:
    """Median (lowest to highest) of the signal figures over some utterances."""
    figures = []
    for row in rows[:: max(1, len(rows) // MEASURED)]:
        file_name = f"{row['utt_id']}.wav"
        noisy, rate = soundfile.read(set_folder / "noisy" / file_name)
        clean, _ = soundfile.read(set_folder / "clean" / file_name)
        levels = energy_above(noisy, rate), noise_to_speech(clean, noisy)
        figures.append((*levels, *peak_correlation(clean, noisy)))
    above, noise, peaks, lags = zip(*figures, strict=True)
    return {
        "noisy above 3.4 kHz / speech band, dB": _spread(above, 0),
        "clean-noisy peak correlation": _spread(peaks, 2),
        "its lag, samples": _spread(lags, 0),
        "noise / speech level in noisy, dB": _spread(noise, 1),
    }


def _spread(values: tuple[float, ...], digits: int) -> str:
    known = np.array(values)[~np.isnan(values)]
    if not len(known):
        return "unknown"
    middle, low, high = np.median(known), known.min(), known.max()
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _decibels(power: float, reference: float) -> float:
    # A floor below any 16 bit signal stands for digital silence.
    return float(10 * np.log10(max(power, 1e-20) / max(reference, 1e-20)))
