"""One typical utterance to listen to: noisy, enhanced and clean, side by side."""

import math
from pathlib import Path

import soundfile
from score_files import ScoreError, read_table, to_number


def copy_sample(raw_set: Path, enhanced_set: Path, samples: Path) -> tuple[str, float]:
    """Write ``noisy.wav``, ``enhanced.wav`` and ``clean.wav`` of one utterance.

    It is the utterance whose SI-SNR improvement is the median. The files are 16-bit
    PCM at the data's own rate.

    Args:
        raw_set: ``dump/raw/<set>``, with wav.scp, spk1.scp, scoring/SI_SNR_spk1.
        enhanced_set: ``<exp>/enhanced_<set>``, with spk1.scp, scoring/SI_SNR_spk1.
        samples: the folder to write to.

    Returns:
        The utterance and its SI-SNR improvement in dB.

    Raises:
        ScoreError: a table or an audio file is missing or cannot be read.
    """
    utterance, gain = median_utterance(
        _read_scores(raw_set / "scoring" / "SI_SNR_spk1"),
        _read_scores(enhanced_set / "scoring" / "SI_SNR_spk1"),
    )
    sources = {
        "noisy": raw_set / "wav.scp",
        "enhanced": enhanced_set / "spk1.scp",
        "clean": raw_set / "spk1.scp",
    }
    samples.mkdir(parents=True, exist_ok=True)
    for name, scp in sources.items():
        audio_path = read_table(scp).get(utterance)
        if audio_path is None:
            raise ScoreError(f"{scp}: lacks the utterance '{utterance}'")
        _copy_as_wav(audio_path, samples / f"{name}.wav")
    return utterance, gain


def _read_scores(path: Path) -> dict[str, float]:
    return {
        utterance: to_number(value, f"{path}: '{utterance}'")
        for utterance, value in read_table(path).items()
    }


def median_utterance(
    before: dict[str, float], after: dict[str, float]
) -> tuple[str, float]:
    """Return the utterance of median gain, and the gain ``after - before``.

    Of an even number the lower of the two middle ones is taken; utterances without a
    finite gain are passed over.

    Raises:
        ScoreError: no utterance has a finite gain.
    """
    gains = []
    for utterance in before.keys() & after.keys():
        gain = after[utterance] - before[utterance]
        if math.isfinite(gain):
            gains.append((gain, utterance))
    if not gains:
        raise ScoreError("no utterance has a finite SI-SNR both noisy and enhanced")
    gain, utterance = sorted(gains)[(len(gains) - 1) // 2]
    return utterance, gain


def _copy_as_wav(source: str, target: Path) -> None:
    try:
        audio, rate = soundfile.read(source, dtype="float64")
    except (soundfile.LibsndfileError, OSError):
        raise ScoreError(
            f"{source}: is not an audio file that soundfile can read"
        ) from None
    beside = target.with_name(target.name + ".tmp")
    soundfile.write(beside, audio, rate, subtype="PCM_16", format="WAV")
    beside.replace(target)
