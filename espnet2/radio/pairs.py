"""Pairs of a clean reference and the same speech as the radio gives it."""

import numpy as np

from espnet2.radio.fm_link import acoustic_noise, band_limit, fm_link, rms

CLEAN_RMS = 0.05  # of full scale: -26 dB
HIGHEST_PEAK = 0.95  # of full scale
# Levels within the voice band, dB of full scale. The source's is 5 dB below to 6 dB
# above the receiver's, and the lag up to 13 samples, as in recordings of RATS.
SOURCE_LEVELS = (-28.0, -22.5)
RECEIVER_LEVELS = (-28.5, -23.0)
LONGEST_LAG = 13  # samples


def aligned_pair(
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
    noisy = _received(clean, cnr_db, snr_db, rng)
    noisy *= np.sum(clean**2) / np.sum(noisy * clean)
    return _within_full_scale(clean, noisy)


def rats_like_pair(
    speech: np.ndarray, cnr_db: float, snr_db: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The speech as it went in and what a receiver elsewhere recorded of it.

    As for `aligned_pair`, but the reference keeps the speech's whole band, the
    receiver comes 0 to 13 samples later, and the level of each within the voice band
    is drawn on its own.
    """
    lag = int(rng.integers(LONGEST_LAG + 1))
    source_db, receiver_db = (
        rng.uniform(*levels) for levels in (SOURCE_LEVELS, RECEIVER_LEVELS)
    )
    spoken = band_limit(speech)
    delayed = np.pad(spoken * (CLEAN_RMS / rms(spoken)), (lag, 0))[: len(speech)]
    noisy = _received(delayed, cnr_db, snr_db, rng)
    source = speech * (10.0 ** (source_db / 20.0) / rms(spoken))
    return _within_full_scale(source, noisy * (10.0 ** (receiver_db / 20) / rms(noisy)))


PAIRS = {"aligned": aligned_pair, "rats": rats_like_pair}  # by the kind of reference


def _received(
    clean: np.ndarray, cnr_db: float, snr_db: float, rng: np.random.Generator
) -> np.ndarray:
    """What the link gives for speech of rms ``CLEAN_RMS`` and noise round it."""
    noise = acoustic_noise(len(clean), rng) * CLEAN_RMS * 10.0 ** (-snr_db / 20.0)
    return fm_link(clean + noise, cnr_db, rng)


def _within_full_scale(
    clean: np.ndarray, noisy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    peak = max(np.abs(clean).max(), np.abs(noisy).max())
    scale = min(1.0, HIGHEST_PEAK / peak)
    return clean * scale, noisy * scale
