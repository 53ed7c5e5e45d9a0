"""Figures that say how near a corpus comes to real radio recordings."""

from pathlib import Path

import numpy as np

from espnet2.data_dir.audio import read_audio
from espnet2.data_dir.tables import DataError, read_table
from espnet2.radio.signal_figures import (
    energy_above,
    level_difference,
    mask_share,
    noise_to_speech,
    peak_correlation,
)

MEASURED = 200  # utterances of a set whose audio is read


def realism_report(folders: list[Path]) -> str:
    """A table of sizes and signal figures, one column a data folder.

    Words are unknown if the first folder has them not.

    Raises:
        DataError: a table or a recording is missing or damaged, the two of a pair
            differ in rate or length, or a folder has no references.
    """
    known = set(_words(folders[0]))
    table: dict[str, list[str]] = {"": [folder.name for folder in folders]}
    for folder in folders:
        for title, cell in _column(folder, known).items():
            table.setdefault(title, []).append(cell)
    return "\n".join(
        f"{title:38}" + "".join(f"{cell:>24}" for cell in cells)
        for title, cells in table.items()
    )


def _words(folder: Path) -> list[str]:
    texts = read_table(folder / "text_spk1").values()
    return [word for text in texts for word in text.split()]


def _column(folder: Path, known: set[str]) -> dict[str, str]:
    """Sizes, then median (lowest to highest) of the figures over some utterances."""
    noisy, clean = (read_table(folder / f"{name}.scp") for name in ("wav", "spk1"))
    keys = [key for key in noisy if clean.get(key, noisy[key]) != noisy[key]]
    if not keys:
        raise DataError(f"{folder}: no utterance has a reference in spk1.scp")
    chosen = keys[:: max(1, len(keys) // MEASURED)]
    rows = [_figures(key, clean[key], noisy[key]) for key in chosen]
    seconds, *figures = zip(*rows, strict=True)
    words = _words(folder)
    unknown = 100 * sum(word not in known for word in words) / max(1, len(words))
    spreads = {
        title: _spread(values, digits)
        for (title, digits), values in zip(FIGURES, figures, strict=True)
    }
    return {
        "speakers": f"{len(set(read_table(folder / 'utt2spk').values()))}",
        "utterances": f"{len(noisy)}",
        "words": f"{len(words)}",
        "vocabulary, words": f"{len(set(words))}",
        "words unknown to the first set, %": f"{unknown:.2f}",
        "hours, from those measured": f"{np.mean(seconds) * len(noisy) / 3600:.2f}",
        **spreads,
    }


FIGURES = (  # title and digits behind the point
    ("noisy above 3.4 kHz / speech band, dB", 0),
    ("clean above 3.4 kHz / speech band, dB", 0),
    ("clean / noisy level in speech band, dB", 1),
    ("clean-noisy peak correlation", 2),
    ("its lag, samples", 0),
    ("noise / speech level in noisy, dB", 1),
    ("loss left by the best mask, %", 0),
)


def _figures(key: str, clean_source: str, noisy_source: str) -> tuple[float, ...]:
    """Seconds, then `FIGURES` of an utterance."""
    (clean, clean_rate), (noisy, rate) = map(read_audio, (clean_source, noisy_source))
    if (clean_rate, len(clean)) != (rate, len(noisy)):
        raise DataError(
            f"{key}: {clean_source} has {len(clean)} samples at {clean_rate} Hz and "
            f"{noisy_source} {len(noisy)} at {rate} Hz: want the same"
        )
    return (
        len(noisy) / rate,
        energy_above(noisy, rate),
        energy_above(clean, rate),
        level_difference(clean, noisy, rate),
        *peak_correlation(clean, noisy),
        noise_to_speech(clean, noisy, rate),
        100 * mask_share(clean, noisy, rate),
    )


def _spread(values: tuple[float, ...], digits: int) -> str:
    known = np.array(values)[~np.isnan(values)]
    if not len(known):
        return "unknown"
    middle, low, high = np.median(known), known.min(), known.max()
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
