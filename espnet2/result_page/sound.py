"""Utterances as players need them: cut, brought to one level, packed as FLAC."""

import base64
import io
from typing import NamedTuple

import numpy as np
import soundfile

MAX_SECONDS = 12.0  # of an utterance
LEVEL_DB = -23.0  # root mean square, below full scale
MAX_PEAK = 0.98


class Sound(NamedTuple):
    """The first ``MAX_SECONDS`` of a file's first channel.

    Attributes:
        samples: (samples,)
        rate: Hz
        seconds: of the whole file
    """

    samples: np.ndarray
    rate: int
    seconds: float


def read_sound(path: str) -> Sound:
    """Return the beginning of an audio file.

    Raises:
        ValueError: soundfile cannot read it, or it holds no samples.
    """
    try:
        with soundfile.SoundFile(path) as file:
            seconds, rate = file.frames / file.samplerate, file.samplerate
            samples = file.read(int(MAX_SECONDS * rate), always_2d=True)[:, 0]
    except (soundfile.LibsndfileError, OSError):
        raise ValueError(f"{path}: is no audio file that can be read here") from None
    if not len(samples):
        raise ValueError(f"{path}: holds no samples")
    return Sound(np.nan_to_num(samples), rate, seconds)


def level_gains(sounds: list[Sound]) -> list[float]:
    """Return the factors that make all equally loud (RMS), and none clip.

    Where a peak would be over ``MAX_PEAK`` all are lowered alike. Silence keeps its
    level.
    """
    levels = [float(np.sqrt(np.mean(sound.samples**2))) for sound in sounds]
    gains = [10 ** (LEVEL_DB / 20) / level if level else 1.0 for level in levels]
    peaks = [
        gain * float(np.abs(sound.samples).max())
        for gain, sound in zip(gains, sounds, strict=True)
    ]
    common = min(1.0, MAX_PEAK / max(max(peaks), 1e-9))
    return [gain * common for gain in gains]


def flac_uri(samples: np.ndarray, rate: int) -> str:
    """Return a ``data:`` URI of 16-bit FLAC."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC", subtype="PCM_16")
    return data_uri("audio/flac", file.getvalue())


def data_uri(kind: str, content: bytes) -> str:
    """Return a ``data:`` URI of a media type and its bytes."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
