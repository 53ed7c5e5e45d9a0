"""One typical utterance to listen to: noisy, enhanced and clean, side by side."""

import math
from pathlib import Path

from espnet2.data_dir.audio import open_audio
from espnet2.data_dir.audio_writing import write_audio
from espnet2.data_dir.tables import DataError
from espnet2.results.enhancement import read_numbers
from espnet2.results.tables import read_scored


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
        DataError: a table or an audio file is missing or cannot be read.
    """
    before, after = (
        read_numbers(folder / "scoring" / "SI_SNR_spk1")
        for folder in (raw_set, enhanced_set)
    )
    utterance, gain = median_utterance(before, after)
    for name, scp in (
        ("noisy", raw_set / "wav.scp"),
        ("enhanced", enhanced_set / "spk1.scp"),
        ("clean", raw_set / "spk1.scp"),
    ):
        audio_path = read_scored(scp).get(utterance)
        if audio_path is None:
            raise DataError(f"{scp}: lacks the utterance '{utterance}'")
        with open_audio(audio_path) as file:
            sound, rate = file.read(dtype="float64", always_2d=True), file.samplerate
        write_audio(samples / f"{name}.wav", sound, rate)
    return utterance, gain


def median_utterance(
    before: dict[str, float], after: dict[str, float]
) -> tuple[str, float]:
    """Return the utterance of median gain, and the gain ``after - before``.

    Of an even number the lower of the two middle ones is taken; utterances without a
    finite gain are passed over.

    Raises:
        DataError: no utterance has a finite gain.
    """
    gains = [(after[key] - before[key], key) for key in before.keys() & after.keys()]
    finite = sorted(pair for pair in gains if math.isfinite(pair[0]))
    if not finite:
        raise DataError("no utterance has a finite SI-SNR both noisy and enhanced")
    gain, utterance = finite[(len(finite) - 1) // 2]
    return utterance, gain
