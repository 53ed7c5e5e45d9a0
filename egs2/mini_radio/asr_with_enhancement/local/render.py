"""One voice's part of the corpus: pairs of clean and noisy wav files."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from fm_link import AUDIO_RATE, acoustic_noise, band_limit, fm_link, rms
from speak import Speaker

from espnet2.data_dir.audio_writing import write_steps
from espnet2.data_dir.tables import write_lines

CLEAN_RMS = 0.05  # of full scale: -26 dB
HIGHEST_PEAK = 0.95  # of full scale
SHORTEST = 1.5  # s, reached by more silence round the speech
SPEAKING_RATES = (160, 210)  # words a minute
PITCHES = (35, 65)  # espeak-ng's 0 to 99; 50 is the voice's own
SILENCES = (0.1, 0.25)  # s, before and after the speech


@dataclass(frozen=True)
class Conditions:
    """What the radio does to the corpus; both ranges are drawn from uniformly, dB."""

    cnr_min: float  # carrier-to-noise ratio in the IF bandwidth
    cnr_max: float
    snr_min: float  # ratio of speech to acoustic noise at the microphone
    snr_max: float


@dataclass(frozen=True)
class Utterance:
    """What is known of an utterance when its audio is made."""

    set_name: str  # train, valid or test
    voice: str  # variant of espeak-ng, the speaker's id
    number: int  # place in the set; with the seed it fixes all random choices
    text: str  # upper-case words

    @property
    def utt_id(self) -> str:
        """The id, which begins with the speaker's."""
        return f"{self.voice}-{self.set_name}-{self.number:05d}"


def radio_pair(
    speech: np.ndarray, cnr_db: float, snr_db: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Band-limited clean speech and the same through the radio, aligned.

    All are ``(samples,)`` float64 at 8 kHz; the speech is at any level above 0. The
    noisy signal is scaled so that its projection on the clean one is the clean one:
    ``sum(noisy * clean) = sum(clean**2)``. Both are made quieter together if a peak
    would pass 0.95 of full scale. The ratios are those of `Conditions`, the SNR over
    the whole utterance in the voice band.
    """
    clean = band_limit(speech)
    clean *= CLEAN_RMS / rms(clean)
    noise = acoustic_noise(len(clean), rng) * CLEAN_RMS * 10.0 ** (-snr_db / 20.0)
    noisy = fm_link(clean + noise, cnr_db, rng)
    noisy *= np.sum(clean**2) / np.sum(noisy * clean)
    peak = max(np.abs(clean).max(), np.abs(noisy).max())
    scale = min(1.0, HIGHEST_PEAK / peak)
    return clean * scale, noisy * scale


def render_voice(
    utterances: list[Utterance], conditions: Conditions, seed: int, folder: Path
) -> None:
    """Write the audio of one voice and a list of what was made.

    To be run in a fresh process, see ``speak.py``. The corpus's folder gets
    ``<set>/{noisy,clean}/<id>.wav`` and ``<set>/<voice>.jsonl``.
    """
    voice, set_folder = utterances[0].voice, folder / utterances[0].set_name
    speaker = Speaker(voice)
    records = [_render(u, speaker, conditions, seed, set_folder) for u in utterances]
    write_lines(set_folder / f"{voice}.jsonl", map(json.dumps, records))


def _render(
    utterance: Utterance,
    speaker: Speaker,
    conditions: Conditions,
    seed: int,
    set_folder: Path,
) -> dict[str, object]:
    """Write one pair of files; returns the utterance's record."""
    key = f"{utterance.set_name}-{utterance.number}".encode()
    rng = np.random.default_rng([seed, *key])
    rate, pitch = rng.integers(*SPEAKING_RATES), rng.integers(*PITCHES)
    espeak_seed = int(rng.integers(1, 2**31))
    speech = speaker.say(utterance.text, int(rate), int(pitch), espeak_seed)
    cnr_db = rng.uniform(conditions.cnr_min, conditions.cnr_max)
    snr_db = rng.uniform(conditions.snr_min, conditions.snr_max)
    pair = radio_pair(_with_silence(speech, rng), cnr_db, snr_db, rng)
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
