"""Writing audio files whole, under the ids of utterances."""

import io
import os
from pathlib import Path

import numpy as np
import soundfile

from espnet2.data_dir.tables import DataError

MAX_NAME = 255  # bytes of a file's name, on all usual file systems


def audio_path(folder: Path, key: str, audio_format: str) -> Path:
    """Where the audio of an utterance goes: a file right in the folder.

    Raises:
        DataError: the id would lead elsewhere, or is longer than a file's name may be.
    """
    name = f"{key}.{audio_format}"
    if "/" in key or len(os.fsencode(f".{key}.tmp.{audio_format}")) > MAX_NAME:
        raise DataError(
            f"utterance id {key}: names an audio file, so it must not have a '/' nor "
            f"be longer than {MAX_NAME - 10} bytes"
        )
    return folder / name


def write_audio(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write 16-bit audio beside its place and rename it, so it is never half there.

    Args:
        path: The file; its ending says the format.
        samples: ``(samples,)`` or ``(samples, channels)``, float of full scale 1 or
            int16; what goes beyond full scale is clipped.
        rate: Hz.

    Raises:
        DataError: the file cannot be written; says why.
    """
    encoded = io.BytesIO()  # libsndfile would not tell of a full disk
    soundfile.write(encoded, samples, rate, subtype="PCM_16", format=path.suffix[1:])
    temporary = path.with_name(f".{path.stem}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(encoded.getvalue())
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from None


def write_steps(path: Path, steps: np.ndarray, rate: int) -> None:
    """`write_audio` of samples in steps of 16 bits; fractions are rounded."""
    limited = np.clip(np.rint(steps), -32768, 32767)
    write_audio(path, limited.astype(np.int16), rate)
