"""The recordings of the Free Spoken Digit Dataset, read and split into sets.

English digits of six people, fifty times each, by Zohar Jackson and contributors, CC
BY-SA 4.0 (https://github.com/Jakobovski/free-spoken-digit-dataset). The folder holds
``[recordings/]<digit>_<speaker>_<index>.wav``, 8 kHz and one channel.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from espnet2.data_dir.audio import read_audio
from espnet2.data_dir.tables import DataError
from espnet2.radio.fm_link import AUDIO_RATE

NAME = re.compile(r"([0-9])_([A-Za-z0-9]+)_([0-9]+)")
SPLITS = ("recording", "speaker")
TEST_INDICES, VALID_INDICES = range(5), range(5, 10)  # of each digit's fifty


class Recording(NamedTuple):
    """One spoken digit, by what its file is called."""

    digit: int
    speaker: str
    index: int

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{self.digit}_{self.speaker}_{self.index}"


# The recordings of a set: of each speaker, of each digit.
Pool = dict[str, dict[int, list[Recording]]]


def read_recordings(folder: Path) -> dict[Recording, np.ndarray]:
    """All recordings, each ``(samples,)`` float64 of full scale 1, sorted.

    Raises:
        DataError: there are none, or one is called otherwise, cannot be read, is silent
            or has another rate.
    """
    inner = folder / "recordings"
    paths = sorted((inner if inner.is_dir() else folder).glob("[!.]*.wav"))
    if not paths:
        raise DataError(f"{folder} holds no recordings <digit>_<speaker>_<index>.wav")
    recordings = {}
    for path in paths:
        match = NAME.fullmatch(path.stem)
        if not match:
            raise DataError(f"{path} is not called <digit>_<speaker>_<index>.wav")
        samples, rate = read_audio(str(path))
        if rate != AUDIO_RATE:
            raise DataError(f"{path} has {rate} Hz, want {AUDIO_RATE}")
        if not samples.any():
            raise DataError(f"{path} is silent")
        digit, speaker, index = match.groups()
        recordings[Recording(int(digit), speaker, int(index))] = samples
    return dict(sorted(recordings.items()))


def digest(recordings: dict[Recording, np.ndarray]) -> str:
    """What changes if a recording is added, taken away or changed."""
    total = hashlib.sha256()
    for recording, samples in recordings.items():
        total.update(f"{recording.name} {len(samples)} ".encode())
        total.update(samples.tobytes())
    return total.hexdigest()


def split_recordings(recordings: Iterable[Recording], by: str) -> dict[str, Pool]:
    """The recordings of each set; ``by`` is one of `SPLITS`.

    By recording, indices 0 to 4 are the test set, as the dataset's README has it, 5 to
    9 the validation set, and all speakers are in all sets. By speaker, the first in
    the alphabet is the test set, the second the validation set.

    Raises:
        DataError: a set has no speaker, or a speaker no recording of a digit in it.
    """
    pools: dict[str, Pool] = {"train": {}, "valid": {}, "test": {}}
    speakers = sorted({recording.speaker for recording in recordings})
    if by == "speaker" and len(speakers) < 3:
        raise DataError(f"{len(speakers)} speakers cannot be split into three sets")
    for recording in recordings:
        place = recording.index
        tests, valids = TEST_INDICES, VALID_INDICES
        if by == "speaker":
            place = speakers.index(recording.speaker)
            tests, valids = range(1), range(1, 2)
        name = "test" if place in tests else "valid" if place in valids else "train"
        of_speaker = pools[name].setdefault(recording.speaker, defaultdict(list))
        of_speaker[recording.digit].append(recording)
    _check_complete(pools, speakers if by == "recording" else [])
    return pools


def _check_complete(pools: dict[str, Pool], speakers: list[str]) -> None:
    """Check that the speakers, and those of each set, have all digits in it."""
    for set_name, pool in pools.items():
        for speaker in speakers or pool:
            for digit in range(10):
                if not pool.get(speaker, {}).get(digit):
                    raise DataError(
                        f"speaker {speaker} has no recording {digit}_{speaker}_<index>"
                        f".wav for the {set_name} set"
                    )
