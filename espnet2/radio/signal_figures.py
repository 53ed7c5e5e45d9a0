"""What can be measured on a pair of a clean reference and a noisy recording."""

import numpy as np
from scipy.signal import correlate, stft, welch

SPEECH_BAND = (300.0, 3300.0)  # Hz


def energy_above(audio: np.ndarray, rate: int, cutoff: float = 3400.0) -> float:
    """Mean power density above ``cutoff`` (Hz) over that of the speech band, dB.

    The signal is ``(samples,)``, at least 512 long, at ``rate`` Hz.
    """
    frequency, power = _spectrum(audio, rate)
    # 32 Hz of margin: half the main lobe of the window
    above = power[frequency >= cutoff + 32.0].mean()
    return _decibels(above, power[_in_speech_band(frequency)].mean())


def level_difference(clean: np.ndarray, noisy: np.ndarray, rate: int) -> float:
    """Level of the clean signal in the speech band over that of the noisy one, dB."""
    levels = []
    for signal in (clean, noisy):
        frequency, power = _spectrum(signal, rate)
        levels.append(power[_in_speech_band(frequency)].mean())
    return _decibels(*levels)


def peak_correlation(clean: np.ndarray, noisy: np.ndarray) -> tuple[float, int]:
    """Highest absolute normalised cross-correlation, 0 to 1, and its lag in samples.

    Both are ``(samples,)``; a positive lag means that the noisy one comes later.
    """
    norm = np.sqrt(np.sum(clean**2) * np.sum(noisy**2))
    correlation = np.abs(correlate(noisy, clean, method="fft")) / norm
    best = int(np.argmax(correlation))
    return float(correlation[best]), best - (len(clean) - 1)


def noise_to_speech(clean: np.ndarray, noisy: np.ndarray, rate: int) -> float:
    """Noisy power where the clean signal is silent over that where it speaks, dB.

    A frame of 25 ms is silent more than 40 dB below the loudest clean frame and
    speech less than 20 dB below it. NaN if there is no silent frame.
    """
    frame = rate // 40
    frames = len(clean) // frame
    clean_power, noisy_power = (
        np.mean(signal[: frames * frame].reshape(frames, frame) ** 2, axis=1)
        for signal in (clean, noisy)
    )
    silent = clean_power < 1e-4 * clean_power.max()
    speech = clean_power > 1e-2 * clean_power.max()
    if not silent.any():
        return float("nan")
    return _decibels(noisy_power[silent].mean(), noisy_power[speech].mean())


def mask_share(clean: np.ndarray, noisy: np.ndarray, rate: int) -> float:
    """What the best mask of 0 to 1 leaves of a zero mask's magnitude loss, 0 to 1.

    The sum of min over m of (m |X| - |S|)^2 over the sum of |S|^2, with the spectra X
    and S of the noisy and the clean signal (windows of 32 ms, every 16 ms). The best
    m is min(1, |S| / |X|), so what is left is where the clean signal is louder.
    """
    length = 32 * rate // 1000
    heard, source = (
        np.abs(
            stft(
                signal,
                nperseg=length,
                noverlap=length - length // 2,
                boundary="even",
                padded=False,
            )[2]
        )
        for signal in (noisy, clean)
    )
    missing = np.maximum(source - heard, 0.0)
    return float(np.sum(missing**2) / np.sum(source**2))


def _spectrum(audio: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    window = ("kaiser", 12.0)  # side lobes far below what is measured
    return welch(audio, rate, window=window, nperseg=512)


def _in_speech_band(frequency: np.ndarray) -> np.ndarray:
    return (frequency >= SPEECH_BAND[0]) & (frequency <= SPEECH_BAND[1])


def _decibels(power: float, reference: float) -> float:
    # A floor below any 16 bit signal stands for digital silence.
    return float(10 * np.log10(max(power, 1e-20) / max(reference, 1e-20)))
