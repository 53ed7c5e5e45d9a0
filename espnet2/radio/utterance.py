"""One speaker's part of a radio corpus: pairs of clean and noisy wav files."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from espnet2.data_dir.audio_writing import write_steps
from espnet2.data_dir.tables import write_lines
from espnet2.radio.fm_link import AUDIO_RATE
from espnet2.radio.pairs import PAIRS

SHORTEST = 1.5  # s, reached by more silence round the speech
SILENCES = (0.1, 0.25)  # s, before and after the speech


@dataclass(frozen=True)
class Conditions:
    """What the radio does to the corpus; both ranges are drawn from uniformly, dB."""

    cnr_min: float  # carrier-to-noise ratio in the IF bandwidth
    cnr_max: float
    snr_min: float  # ratio of speech to acoustic noise at the microphone
    snr_max: float
    reference: str = "aligned"  # of PAIRS


@dataclass(frozen=True)
class Utterance:
    """What is known of an utterance when its audio is made."""

    set_name: str  # train, valid or test
    voice: str  # the speaker's id
    number: int  # place in the set; with the seed it fixes all random choices
    text: str  # upper-case words

    @property
    def utt_id(self) -> str:
        """The id, which begins with the speaker's."""
        return f"{self.voice}-{self.set_name}-{self.number:05d}"


# The speech of an utterance, (samples,) at 8 kHz; random choices are the generator's.
Say = Callable[[Utterance, np.random.Generator], np.ndarray]


def render_voice(
    utterances: Sequence[Utterance],
    speak_as: Callable[[str], Say],
    conditions: Conditions,
    seed: int,
    folder: Path,
) -> None:
    """Write the audio of one speaker in a set and a list of what was made.

    ``speak_as`` makes the voice of a speaker's id. The corpus's folder gets
    ``<set>/{noisy,clean}/<id>.wav`` and ``<set>/<voice>.jsonl``.
    """
    voice, set_folder = utterances[0].voice, folder / utterances[0].set_name
    say = speak_as(voice)
    records = [_render(u, say, conditions, seed, set_folder) for u in utterances]
    write_lines(set_folder / f"{voice}.jsonl", map(json.dumps, records))


def _render(
    utterance: Utterance,
    say: Say,
    conditions: Conditions,
    seed: int,
    set_folder: Path,
) -> dict[str, object]:
    """Write one pair of files; returns the utterance's record."""
    key = f"{utterance.set_name}-{utterance.number}".encode()
    rng = np.random.default_rng([seed, *key])
    speech = say(utterance, rng)
    cnr_db = rng.uniform(conditions.cnr_min, conditions.cnr_max)
    snr_db = rng.uniform(conditions.snr_min, conditions.snr_max)
    make_pair = PAIRS[conditions.reference]
    pair = make_pair(_with_silence(speech, rng), cnr_db, snr_db, rng)
    for kind, audio in zip(("clean", "noisy"), pair, strict=True):
        path = set_folder / kind / f"{utterance.utt_id}.wav"
        write_steps(path, audio * 32767, AUDIO_RATE)
    return {
        **asdict(utterance),
        "utt_id": utterance.utt_id,
        "cnr_db": round(cnr_db, 2),
        "snr_db": round(snr_db, 2),
        "samples": len(pair[0]),
    }


def _with_silence(speech: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    before, after = (rng.uniform(*SILENCES, size=2) * AUDIO_RATE).astype(int)
    missing = int(SHORTEST * AUDIO_RATE) - len(speech) - before - after
    return np.pad(speech, (before, after + max(0, missing)))
