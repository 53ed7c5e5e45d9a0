"""A narrow-band FM voice link, from the microphone to the receiver's loudspeaker.

    noise + speech -> band limit -> pre-emphasis -> limiter -> FM modulator
    -> white noise at radio frequency -> IF filter -> discriminator
    -> de-emphasis -> loudspeaker -> band limit

Every filter is either a symmetric FIR filter whose delay is taken off, or
pre-emphasis and its exact inverse, so the output is aligned to the sample with the
input. The radio part runs on the complex baseband signal.

The carrier-to-noise ratio (CNR) is carrier power over noise power in the noise
bandwidth of the IF filter (11.6 kHz; Carson's rule asks for 2 (2.5 + 3.4) kHz). Above
about 10 dB the noise falls with it decibel for decibel; below, the noise turns the
carrier's phase round by whole turns, which is heard as clicks, and the output
becomes bad fast (the FM threshold).
"""

import numpy as np
from scipy.signal import firwin, firwin2, kaiserord, lfilter, oaconvolve, resample_poly

AUDIO_RATE = 8000  # Hz
OVERSAMPLING = 4
LINK_RATE = AUDIO_RATE * OVERSAMPLING  # Hz, of the complex baseband signal
BAND = (300.0, 3300.0)  # Hz, where the band limit is 6 dB down
BAND_SLOPE = 100.0  # Hz on either side of those: no energy is left above 3.4 kHz
STOP_BAND = 70.0  # dB of attenuation
DEVIATION = 2500.0  # Hz at full modulation
IF_BANDWIDTH = 12000.0  # Hz, both sides of the carrier together
EMPHASIS = 0.9  # zero of the pre-emphasis: 6 dB an octave from about 130 Hz
DRIVE = 0.4  # rms of the pre-emphasised audio where the limiter's ceiling is 1
LOUDSPEAKER_SLOPE = 8.0  # dB an octave, rising over the voice band
LEAD = 200  # samples at AUDIO_RATE of bare carrier before and after the audio


def _kaiser(kind: str, cutoff: object, slope: float, rate: float) -> np.ndarray:
    length, beta = kaiserord(STOP_BAND, 2 * slope / (rate / 2))
    window = ("kaiser", beta)
    return firwin(length | 1, cutoff, window=window, pass_zero=kind, fs=rate)


def _rising(slope: float) -> np.ndarray:
    """A filter that rises by ``slope`` dB an octave over the voice band."""
    frequency = np.linspace(0.0, AUDIO_RATE / 2, 257)
    octaves = np.log2(np.clip(frequency, BAND[0] / 2, BAND[1]) / 1000.0)
    return firwin2(129, frequency, 10.0 ** (slope * octaves / 20.0), fs=AUDIO_RATE)


BAND_FILTER = _kaiser("bandpass", BAND, BAND_SLOPE, AUDIO_RATE)
LOUDSPEAKER_FILTER = _rising(LOUDSPEAKER_SLOPE)
# Takes off what the limiter adds above the voice band.
SPLATTER_FILTER = _kaiser("lowpass", 3600.0, 400.0, LINK_RATE)
IF_FILTER = _kaiser("lowpass", IF_BANDWIDTH / 2, 1000.0, LINK_RATE)


def band_limit(audio: np.ndarray) -> np.ndarray:
    """The voice band of ``audio``, same length and no delay, ``(samples,)``."""
    return oaconvolve(audio, BAND_FILTER, mode="same")


def acoustic_noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Background noise at the microphone, ``(samples,)`` at 8 kHz, rms 1 in the band.

    Its spectrum falls by 0 to 6 dB an octave and its level wavers a few times a
    second, as that of a cabin or of voices behind the speaker.
    """
    slope = rng.uniform(0.0, 1.0)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    bins = np.arange(len(spectrum))
    steady = np.fft.irfft(spectrum * np.maximum(bins, 1.0) ** -slope, samples)
    waver = np.fft.rfft(rng.standard_normal(samples))
    waver[int(4.0 * samples / AUDIO_RATE) + 1 :] = 0.0  # slower than 4 Hz
    level = np.fft.irfft(waver, samples)
    noise = band_limit(steady * np.exp(0.5 * level / rms(level)))
    return noise / rms(noise)


def fm_link(audio: np.ndarray, cnr_db: float, rng: np.random.Generator) -> np.ndarray:
    """What the receiver gives for band-limited ``audio`` at 8 kHz, aligned with it.

    Both are ``(samples,)``; the input may have any level above zero, the output has
    that of the limiter's input (rms ``DRIVE`` after pre-emphasis).
    """
    carrier = modulate(np.pad(audio, LEAD))
    noise_power = 10.0 ** (-cnr_db / 10.0) / np.sum(IF_FILTER**2)
    noise = rng.standard_normal(2 * len(carrier)).view(np.complex128)
    heard = demodulate(carrier + np.sqrt(noise_power / 2.0) * noise)
    return band_limit(loudspeaker(heard))[LEAD:-LEAD]


def modulate(audio: np.ndarray) -> np.ndarray:
    """Complex baseband FM signal of magnitude 1 at 32 kHz, ``(4 * samples,)``."""
    emphasised = lfilter([1.0, -EMPHASIS], [1.0], audio)
    driven = resample_poly(emphasised * (DRIVE / rms(emphasised)), OVERSAMPLING, 1)
    limited = oaconvolve(np.tanh(driven), SPLATTER_FILTER, mode="same")
    return np.exp(2j * np.pi * DEVIATION / LINK_RATE * np.cumsum(limited))


def demodulate(carrier: np.ndarray) -> np.ndarray:
    """Audio at 8 kHz of an FM signal at 32 kHz, ``(samples / 4,)``."""
    filtered = oaconvolve(carrier, IF_FILTER, mode="same")
    turn = np.angle(filtered[1:] * np.conj(filtered[:-1]))
    frequency = np.concatenate([[0.0], turn]) * LINK_RATE / (2 * np.pi * DEVIATION)
    audio = lfilter([1.0], [1.0, -EMPHASIS], resample_poly(frequency, 1, OVERSAMPLING))
    return band_limit(audio)


def loudspeaker(audio: np.ndarray) -> np.ndarray:
    """``audio`` at 8 kHz as a hand-held receiver sounds: thin, 0 dB at 1 kHz.

    Recordings of real links agree with their source far less than noise alone would
    explain; without this slope they would agree too well.
    """
    return oaconvolve(audio, LOUDSPEAKER_FILTER, mode="same")


def rms(signal: np.ndarray) -> float:
    """Root mean square of ``signal``."""
    return float(np.sqrt(np.mean(signal**2)))
