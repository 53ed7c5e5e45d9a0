"""One decoding per FLAC file, then cuts at 8 kHz of equal length from both sides."""

import hashlib
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly
from text_files import skip_as

from espnet2.data_dir.audio import open_audio
from espnet2.data_dir.tables import DataError

SOURCE_RATE = 16000  # Hz, of the corpus
RATE = 8000  # Hz, of the cuts


@skip_as("bad_audio")
def read_flac(path: Path) -> np.ndarray:
    """Samples of a file at 8 kHz, float32 ``(samples,)``, full scale 32768.

    It must be a mono 16-bit FLAC at 16 kHz whose samples have the MD5 sum that its
    header states.
    """
    with open_audio(path) as file:
        found = (file.format, file.subtype, file.samplerate, file.channels)
        if found != ("FLAC", "PCM_16", SOURCE_RATE, 1):
            wanted = f"want mono 16-bit FLAC at {SOURCE_RATE} Hz"
            raise DataError(f"{path} is {found}; {wanted}")
        samples = file.read(dtype="int16")
        stated = stated_md5(path)
    if len(samples) == 0:
        raise DataError(f"{path} holds no samples")
    actual = hashlib.md5(samples.astype("<i2").tobytes()).digest()
    if any(stated) and stated != actual:
        raise DataError(f"{path} is damaged: its samples have not the MD5 it states")
    return resample_poly(samples.astype(np.float32), RATE, SOURCE_RATE)


def stated_md5(path: Path) -> bytes:
    """The 16 bytes of the MD5 sum in a FLAC file's header; zeros if unknown.

    STREAMINFO is always the first block: 4 bytes ``fLaC``, 4 of the block's header,
    18 of other facts, then the sum.
    """
    with path.open("rb") as file:
        header = file.read(42)
    return header[26:42] if header[:4] == b"fLaC" else bytes(16)


def cut(samples: np.ndarray, start: float, count: int) -> np.ndarray | None:
    """``count`` samples from ``start`` (s) on; None if they are not all there."""
    first = round(start * RATE)
    if first < 0 or first + count > len(samples):
        return None
    return samples[first : first + count]
