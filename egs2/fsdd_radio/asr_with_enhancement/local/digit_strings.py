"""Strings of 3 to 7 digits, put together from recordings of one person."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from recordings import Pool, Recording

from espnet2.radio.fm_link import AUDIO_RATE, rms
from espnet2.radio.utterance import Utterance

WORDS = "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE".split()
LENGTHS = (3, 7)  # digits of a string, both included
PAUSES = (0.05, 0.25)  # s, between two recordings
FRAME = 80  # samples: 10 ms
SILENT = 30.0  # dB below the loudest frame
MARGIN = 2  # silent frames that are left at both ends
LONGEST_GAP = 25  # silent frames within a word; what comes after more is a click
FADE = 40  # samples: 5 ms
LEVEL_SPREAD = 3.0  # dB that a recording may lie off its string's median


@dataclass(frozen=True)
class DigitString(Utterance):
    """An utterance, and the names of the recordings that it is made of."""

    recordings: tuple[str, ...]


def plan_strings(
    pools: dict[str, Pool], counts: dict[str, int], seed: int
) -> list[list[DigitString]]:
    """What each person says in each set: digits and recordings are drawn.

    The speakers take turns. A set does not depend on the size of the others, and
    nothing depends on the radio.
    """
    plan = []
    for set_name, pool in pools.items():
        rng = np.random.default_rng([seed, *set_name.encode()])
        speakers = sorted(pool)
        said: dict[str, list[DigitString]] = {speaker: [] for speaker in speakers}
        for number in range(counts[set_name]):
            speaker = speakers[number % len(speakers)]
            chosen = _draw(pool[speaker], rng)
            text = " ".join(WORDS[recording.digit] for recording in chosen)
            names = tuple(recording.name for recording in chosen)
            said[speaker].append(DigitString(set_name, speaker, number, text, names))
        plan += [strings for strings in said.values() if strings]
    return plan


def _draw(
    digits: dict[int, list[Recording]], rng: np.random.Generator
) -> list[Recording]:
    count = rng.integers(LENGTHS[0], LENGTHS[1] + 1)
    choices = (digits[int(digit)] for digit in rng.integers(10, size=count))
    return [each[int(rng.integers(len(each)))] for each in choices]


def join(
    audio: Mapping[str, np.ndarray], string: DigitString, rng: np.random.Generator
) -> np.ndarray:
    """The string's recordings with drawn pauses between them, ``(samples,)``, 8 kHz.

    ``audio`` has the recordings by their names.
    """
    parts = level([trim(audio[name]) for name in string.recordings])
    pauses = (rng.uniform(*PAUSES, size=len(parts) - 1) * AUDIO_RATE).astype(int)
    after = [*pauses, 0]
    return np.concatenate(
        [np.pad(part, (0, pause)) for part, pause in zip(parts, after, strict=True)]
    )


def trim(recording: np.ndarray) -> np.ndarray:
    """The recording without the silence and the clicks at its ends, which are faded.

    A frame of 10 ms is silent more than 30 dB below the loudest one. Kept is what lies
    round that one without a silence of more than 250 ms, and 20 ms before and after.
    """
    count = -(-len(recording) // FRAME)
    padded = np.pad(recording, (0, count * FRAME - len(recording)))
    power = np.mean(padded.reshape(count, FRAME) ** 2, axis=1)
    loud = np.flatnonzero(power >= power.max() * 10.0 ** (-SILENT / 10.0))
    words = np.split(loud, np.flatnonzero(np.diff(loud) > LONGEST_GAP + 1) + 1)
    word = next(frames for frames in words if power.argmax() in frames)
    start, end = max(0, word[0] - MARGIN), word[-1] + 1 + MARGIN
    kept = recording[start * FRAME : end * FRAME].copy()
    ramp = np.linspace(0.0, 1.0, min(FADE, len(kept)))
    kept[: len(ramp)] *= ramp
    kept[len(kept) - len(ramp) :] *= ramp[::-1]
    return kept


def level(parts: list[np.ndarray]) -> list[np.ndarray]:
    """The parts, those too loud or too soft brought to 3 dB from the median level."""
    levels = np.array([20.0 * np.log10(rms(part)) for part in parts])
    off = levels - np.median(levels)
    gains = 10.0 ** ((np.clip(off, -LEVEL_SPREAD, LEVEL_SPREAD) - off) / 20.0)
    return [part * gain for part, gain in zip(parts, gains, strict=True)]
