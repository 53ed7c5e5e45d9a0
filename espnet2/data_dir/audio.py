"""Reading the audio that a data folder names: files and Kaldi pipes."""

import io
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import humanfriendly
import numpy as np
import soundfile

from espnet2.data_dir.layout import parse_segment
from espnet2.data_dir.tables import DataError

Channel = int | Literal["all"] | None  # which of several to take, from 0


def parse_channel(text: str) -> Channel:
    """Return the channel that an option names: a number from 0, or all.

    Raises:
        ValueError: it is neither.
    """
    return text if text == "all" else int(text)


def parse_rate(text: str) -> int:
    """Sampling rate in Hz from ``8000``, ``8k`` or ``44.1k``.

    Raises:
        DataError: the text is no such number, or not above 0.
    """
    try:
        rate = humanfriendly.parse_size(text)
    except humanfriendly.InvalidSize:
        rate = 0
    if rate <= 0:
        raise DataError(f"sampling rate '{text}': want for example 8000 or 16k")
    return rate


def read_audio(source: str, channel: Channel = None) -> tuple[np.ndarray, int]:
    """Read one audio file, or the output of a Kaldi pipe (a command ending in ``|``).

    Args:
        source: A path, or ``<command> |``, which bash runs.
        channel: The channel to take of several, from 0, or "all".

    Returns:
        The samples as float64 ``(samples,)``, full scale 1, and the rate in Hz;
        ``(samples, channels)`` of several where all are wanted.

    Raises:
        DataError: the file is missing, unreadable, empty, has several channels and
            ``channel`` is None, or holds a sample that is no finite number.
    """
    with open_audio(source) as file:
        samples, rate = file.read(dtype="float64", always_2d=True), file.samplerate
    taken = _take_channel(source, samples, channel)
    if len(taken) == 0:
        raise DataError(f"{source} holds no samples")
    if not np.isfinite(taken).all():
        where = tuple(np.argwhere(~np.isfinite(taken))[0])
        raise DataError(f"{source}: sample {where[0]} is {taken[where]}, not a number")
    return taken, rate


def _take_channel(source: str, samples: np.ndarray, channel: Channel) -> np.ndarray:
    """Return one channel, or all, of (samples, channels)."""
    count = samples.shape[1]
    if count == 1:
        return samples[:, 0]
    if channel == "all":
        return samples
    if channel is None:
        raise DataError(f"{source} has {count} channels: choose one with --ref_channel")
    if not 0 <= channel < count:
        raise DataError(f"{source} has {count} channels, so no channel {channel}")
    return samples[:, channel]


@contextmanager
def open_audio(source: str | Path) -> Iterator[soundfile.SoundFile]:
    """Open an audio file, or the output of a Kaldi pipe.

    Raises:
        DataError: it is missing, or cannot be decoded (also within the ``with``).
    """
    file: str | io.BytesIO = str(source)
    if file.endswith("|"):
        command = ["bash", "-o", "pipefail", "-c", file[:-1]]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()[-200:]
            raise DataError(f"'{file}' failed with {done.returncode}: {reason}")
        file = io.BytesIO(done.stdout)
    elif not Path(source).is_file():
        raise DataError(f"{source} is missing")
    try:
        with soundfile.SoundFile(file) as opened:
            yield opened
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(f"{source} is not readable audio: {error}") from None


def iterate_audio(
    scp: Mapping[str, str],
    segments: Mapping[str, str] | None = None,
    channel: Channel = None,
) -> Iterator[tuple[str, np.ndarray, int]]:
    """Yield ``(utterance, samples, rate)`` in the order of the segments or the scp.

    Raises:
        DataError: as for `read_audio`, with the utterance; or a segment names an
            unknown recording or runs past its end.
    """
    if segments is None:
        for key, source in scp.items():
            yield key, *_read_for(key, source, channel)
        return
    loaded, samples, rate = "", np.zeros(0), 1
    for key, value in segments.items():
        recording, start, end = parse_segment(value, f"segments: utterance {key}")
        if recording not in scp:
            raise DataError(f"segments: utterance {key}: no recording {recording}")
        if recording != loaded:  # the segments of one recording mostly follow
            samples, rate = _read_for(key, scp[recording], channel)
            loaded = recording
        first, last = round(start * rate), round(end * rate)
        if last > len(samples):
            raise DataError(
                f"segments: utterance {key} ends at {end:g} s, but "
                f"{scp[recording]} lasts {len(samples) / rate:g} s"
            )
        yield key, samples[first:last], rate


def _read_for(key: str, source: str, channel: Channel) -> tuple[np.ndarray, int]:
    try:
        return read_audio(source, channel)
    except DataError as error:
        raise DataError(f"utterance {key}: {error}") from None
