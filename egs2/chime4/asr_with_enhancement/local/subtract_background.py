"""Clean reference of a simulated training utterance: mixture minus its background.

The official simulation adds a segment of a background recording, with gain 1, to the
speech it has filtered, and rounds to 16 bits. So the difference is the speech at the
microphone, exact to one step of 16 bits, wherever the annotated segment is right and
nothing was clipped. Neither is taken on trust: each file is checked.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from chime4_lists import RATE

from espnet2.data_dir.audio import open_audio
from espnet2.data_dir.options import option
from espnet2.data_dir.tables import DataError

FRAME = 320  # samples, 20 ms: of the envelope
LEAD = 1600  # samples, 0.1 s: where speech has mostly not begun
MARGIN = 4  # samples: how far another position of the background is looked for
FULL_SCALE = 32767


@dataclass(frozen=True)
class Limits:
    """What a reference must keep to."""

    noise_gain_error: float = option(0.2, "largest error of the noise's gain, 1")
    min_correlation: float = option(0.6, "least correlation with tr05_org's level")
    max_clipped: float = option(0.001, "largest share of samples at full scale")


@dataclass(frozen=True)
class Figures:
    """What was measured on one file; nan if it could not be."""

    noise_gain: float = math.nan  # of the background; 1 if the segment is right
    shift: int = 0  # samples from the annotated segment to that which fits best
    lead_db: float = math.nan  # reference over background in the first 0.1 s
    correlation: float = math.nan  # of the level curves of reference and original
    clipped: int = 0  # samples of the mixture or reference at or beyond full scale


def read_samples(path: Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Samples ``[start, stop)`` as int32 in steps of 16 bits, ``(samples,)``.

    The file must be 16 kHz, 16 bit and mono, and not end before ``stop``.
    """
    with open_audio(path) as file:
        form = (file.samplerate, file.channels, file.subtype)
        if form != (RATE, 1, "PCM_16"):
            raise DataError(f"{path}: want {RATE} Hz, 1 channel, PCM_16, not {form}")
        end = file.frames if stop is None else stop
        if not 0 <= start < end <= file.frames:
            what = f"{file.frames} samples, wanted are {start} to {end}"
            raise DataError(f"{path} has {what}")
        file.seek(start)
        samples = file.read(end - start, dtype="int16")
    if len(samples) != end - start:
        raise DataError(f"{path}: {len(samples)} of {end - start} samples can be read")
    return samples.astype(np.int32)


def level_curve(samples: np.ndarray) -> np.ndarray:
    """Level of each 20 ms in dB over one step of 16 bits, ``(frames,)``."""
    frames = len(samples) // FRAME
    blocks = samples[: frames * FRAME].reshape(frames, FRAME).astype(float)
    return 10 * np.log10(np.mean(blocks**2, axis=1) + 1.0)


def measure(
    mixture: np.ndarray, padded: np.ndarray, original: np.ndarray | None
) -> tuple[np.ndarray, Figures]:
    """The reference, unclipped, and what was measured; arrays are int32 ``(samples,)``.

    The background is ``padded`` by ``MARGIN`` samples at both ends; the ``original`` is
    the speech before filtering.
    """
    background = padded[MARGIN:-MARGIN]
    clean = mixture - background
    # Without pre-emphasis a few low frequencies of the noise would decide.
    mixture_high, padded_high = _pre_emphasis(mixture), _pre_emphasis(padded)
    size = len(mixture_high)
    energies = [
        np.sum((mixture_high - padded_high[i : i + size]) ** 2)
        for i in range(2 * MARGIN + 1)
    ]
    noise_high = padded_high[MARGIN : MARGIN + size]
    power = np.sum(noise_high**2)
    gain = float(np.sum(mixture_high * noise_high) / power) if power else math.nan
    at_limit = (np.abs(mixture) >= FULL_SCALE) | (np.abs(clean) > FULL_SCALE)
    return clean, Figures(
        noise_gain=gain,
        shift=int(np.argmin(energies)) - MARGIN,
        lead_db=_ratio_db(clean[:LEAD], background[:LEAD]),
        correlation=_correlation(clean, original),
        clipped=int(np.sum(at_limit)),
    )


def objection(figures: Figures, samples: int, limits: Limits) -> str:
    """Why the reference cannot be trusted, or ""."""
    if not abs(figures.noise_gain - 1) <= limits.noise_gain_error:
        return f"the annotated background is in it with gain {figures.noise_gain:.2f}"
    if figures.shift:
        return f"the background fits better {figures.shift} samples away"
    if figures.correlation < limits.min_correlation:
        return f"its level follows the original's with {figures.correlation:.2f} only"
    if figures.clipped > limits.max_clipped * samples:
        return f"{figures.clipped} of {samples} samples are clipped"
    return ""


def read_background(path: Path, start: int, stop: int) -> np.ndarray:
    """Samples ``[start, stop)`` with ``MARGIN`` more at both ends, or zeros there."""
    first = max(0, start - MARGIN)
    parts = [read_samples(path, first, stop)]
    last = min(stop + MARGIN, soundfile.info(path).frames)
    if last > stop:
        parts.append(read_samples(path, stop, last))
    lacking = (MARGIN - (start - first), MARGIN - (last - stop))
    return np.pad(np.concatenate(parts), lacking)


def _pre_emphasis(samples: np.ndarray) -> np.ndarray:
    return samples[1:] - 0.97 * samples[:-1]


def _ratio_db(samples: np.ndarray, reference: np.ndarray) -> float:
    # The ones stand for digital silence: one step of 16 bits in all.
    power, other = (float(np.sum(x.astype(float) ** 2)) for x in (samples, reference))
    return 10 * math.log10((power + 1.0) / (other + 1.0))


def _correlation(clean: np.ndarray, original: np.ndarray | None) -> float:
    if original is None:
        return math.nan
    size = min(len(clean), len(original))
    curves = [level_curve(x[:size]) for x in (clean, original)]
    if len(curves[0]) < 2 or min(np.std(curve) for curve in curves) == 0:
        return math.nan
    return float(np.corrcoef(*curves)[0, 1])
