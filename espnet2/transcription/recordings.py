"""Find recordings as people name them, and read them as the model wants them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from espnet2.data_dir.resampling import resample

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".sph")


class Recording(NamedTuple):
    """A file to transcribe, and the name (without suffix) of what is made of it."""

    path: str
    name: str


def find_recordings(arguments: list[str]) -> list[Recording]:
    """Return the recordings of files, folders (searched to the bottom) and .scp lists.

    Raises:
        ValueError: a folder holds no audio, or a line of a list has no path.
    """
    return [found for argument in arguments for found in _recordings_of(argument)]


def _recordings_of(argument: str) -> Iterator[Recording]:
    path = Path(argument)
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES]
        if not files:
            raise ValueError(f"{path}: holds no audio ({' '.join(SUFFIXES)})")
        for file in sorted(files):
            yield Recording(str(file), str(file.relative_to(path).with_suffix("")))
    elif path.suffix == ".scp":
        yield from _read_list(path)
    else:
        yield Recording(argument, path.stem)


def _read_list(path: Path) -> Iterator[Recording]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        fields = line.split(maxsplit=1)
        if len(fields) != 2:
            raise ValueError(f"{path}:{number}: expected '<name> <path of the audio>'")
        yield Recording(fields[1].strip(), fields[0].replace("/", "_"))


def enhanced_paths(recordings: list[Recording], folder: Path) -> list[Path]:
    """Return where each recording's enhanced wav goes.

    Raises:
        ValueError: two would have the same place, or one the place of a recording.
    """
    taken = {Path(recording.path).resolve(): recording for recording in recordings}
    paths = []
    for recording in recordings:
        path = folder / f"{recording.name}.wav"
        other = taken.setdefault(path.resolve(), recording)
        if other is not recording or path.resolve() == Path(recording.path).resolve():
            raise ValueError(
                f"--enhanced_dir: {path} would be written for {recording.path}, but is "
                f"also that of {other.path}; choose another folder or a list with names"
            )
        paths.append(path)
    return paths


def read_speech(path: str, channel: int | None, rate: int) -> tuple[np.ndarray, float]:
    """Return speech at the model's rate, float32, and its seconds.

    Args:
        path: a file that libsndfile reads, of any rate; a command (``... |``) is not.
        channel: which of several, from 0, or None for all.
        rate: Hz.

    Returns:
        (samples,), or (samples, channels) of several.

    Raises:
        ValueError: the file is missing, unreadable, empty or not finite, or has no
            such channel; the message goes behind its name.
    """
    if path.endswith("|"):
        raise ValueError("is a command; only files are read")
    if not Path(path).is_file():
        raise ValueError("is missing")
    try:
        samples, file_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise ValueError(f"is not readable audio: {error}") from None
    if not len(samples):
        raise ValueError("holds no samples")
    count = samples.shape[1]
    if channel is not None and channel >= count:
        has = "has one channel" if count == 1 else f"has {count} channels"
        raise ValueError(f"{has}, no --channel {channel} (from 0)")
    if channel is None and count == 1:
        channel = 0
    speech = samples if channel is None else samples[:, channel]
    if not np.isfinite(speech).all():
        raise ValueError("holds samples that are not finite")
    seconds = len(speech) / file_rate
    return resample(speech, file_rate, rate), seconds
