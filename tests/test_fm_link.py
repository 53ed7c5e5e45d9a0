"""The radio link: alignment, threshold and band of the FM link."""

import numpy as np
import pytest
from scipy.signal import correlate

from espnet2.radio import fm_link


@pytest.fixture
def voice():
    """Two seconds of band-limited noise that swells four times a second."""
    noise = np.random.default_rng(1).standard_normal(16000)
    swell = np.sin(2 * np.pi * 2 * np.arange(16000) / 8000) ** 2
    return fm_link.band_limit(noise * swell)


def output_snr(clean, noisy):
    gain = np.sum(clean * noisy) / np.sum(clean**2)
    rest = noisy - gain * clean
    return 10 * np.log10(np.sum((gain * clean) ** 2) / np.sum(rest**2))


def received_snrs(voice, cnrs):
    """SNR at the receiver against what it gives without noise, dB."""
    without_noise = fm_link.fm_link(voice, 100.0, np.random.default_rng(0))
    return [
        output_snr(without_noise, fm_link.fm_link(voice, cnr, np.random.default_rng(2)))
        for cnr in cnrs
    ]


def share_above(audio, cutoff):
    power = np.abs(np.fft.rfft(audio * np.blackman(len(audio)))) ** 2
    frequency = np.fft.rfftfreq(len(audio), 1 / 8000)
    return power[frequency > cutoff].sum() / power.sum()


def test_a_tone_in_the_band_passes_and_one_outside_does_not():
    time = np.arange(8000) / 8000
    for frequency, gain in [(1000, 1.0), (3000, 1.0), (100, 0.0), (3500, 0.0)]:
        tone = np.sin(2 * np.pi * frequency * time)
        passed = fm_link.band_limit(tone)
        middle = slice(500, -500)
        assert fm_link.rms(passed[middle]) == pytest.approx(
            gain * fm_link.rms(tone[middle]), abs=1e-3
        )


def test_a_carrier_has_magnitude_one_and_the_stated_deviation():
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    carrier = fm_link.modulate(tone)
    assert len(carrier) == 4 * len(tone)
    np.testing.assert_allclose(np.abs(carrier), 1.0)
    frequency = np.angle(carrier[1:] * np.conj(carrier[:-1])) * 32000 / (2 * np.pi)
    # rms 0.4 means a peak of 0.566, which the limiter makes tanh(0.566) = 0.512
    # (less its third harmonic, about 2 %, which the splatter filter lets pass).
    assert np.abs(frequency[2000:-2000]).max() == pytest.approx(0.512 * 2500, rel=0.02)


def test_a_soft_tone_comes_back_as_it_was(monkeypatch):
    monkeypatch.setattr(fm_link, "DRIVE", 1e-3)  # where the limiter is linear
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    received = fm_link.demodulate(fm_link.modulate(tone))
    middle = slice(1000, -1000)
    assert output_snr(tone[middle], received[middle]) > 40


@pytest.mark.parametrize("cnr", [30.0, 10.0])
def test_output_is_aligned_with_input(voice, cnr):
    received = fm_link.fm_link(voice, cnr, np.random.default_rng(3))
    assert len(received) == len(voice)
    lags = correlate(received, voice, method="fft")
    assert np.argmax(lags) - (len(voice) - 1) == 0


def test_alignment_is_finer_than_a_sample(voice):
    received = fm_link.fm_link(voice, 60.0, np.random.default_rng(3))
    lags = correlate(received, voice, method="fft")
    before, after = lags[len(voice) - 2], lags[len(voice)]
    assert before == pytest.approx(after, rel=0.01)


def test_better_carrier_gives_better_audio(voice):
    snrs = received_snrs(voice, [0, 2, 4, 6, 8, 10, 14, 20, 30])
    assert np.all(np.diff(snrs) > 0)


def test_noise_rises_sharply_below_the_threshold(voice, monkeypatch):
    monkeypatch.setattr(fm_link, "loudspeaker", lambda heard: heard)
    low, below, at, above, high = received_snrs(voice, [4, 7, 10, 14, 17])
    assert high - above == pytest.approx(3.0, abs=0.5)  # decibel for decibel
    assert below - low > 2 * 3.0
    assert at - below > 1.5 * 3.0


def test_clicks_appear_below_the_threshold_only(voice):
    def peak_over_rms(cnr):
        silence = 1e-6 * voice
        carrier = np.exp(0j * np.arange(4 * len(silence)))
        noise = np.random.default_rng(4).standard_normal(2 * len(carrier))
        power = 10 ** (-cnr / 10) / np.sum(fm_link.IF_FILTER**2)
        noisy = carrier + np.sqrt(power / 2) * noise.view(complex)
        heard = fm_link.demodulate(noisy)
        return np.abs(heard).max() / fm_link.rms(heard)

    assert peak_over_rms(20.0) < 5.0
    assert peak_over_rms(7.0) > 8.0


def test_the_carrier_to_noise_ratio_is_that_of_the_if_band(voice, monkeypatch):
    received = []
    monkeypatch.setattr(fm_link, "demodulate", lambda z: received.append(z) or z)
    fm_link.fm_link(voice, 7.0, np.random.default_rng(5))
    noise = received[0] - fm_link.modulate(np.pad(voice, fm_link.LEAD))
    taps = fm_link.IF_FILTER
    through = np.convolve(noise, taps, mode="valid")  # the carrier's power is 1
    assert -10 * np.log10(np.mean(np.abs(through) ** 2)) == pytest.approx(7.0, abs=0.2)


def test_the_if_filter_has_the_stated_noise_bandwidth():
    taps = fm_link.IF_FILTER
    assert np.sum(taps) == pytest.approx(1.0)
    assert 32000 * np.sum(taps**2) == pytest.approx(11600, rel=0.02)


def test_nothing_is_heard_above_the_band(voice):
    received = fm_link.fm_link(voice, 3.0, np.random.default_rng(6))
    assert 10 * np.log10(share_above(received, 3420)) < -60


def test_acoustic_noise_has_unit_level_within_the_band():
    noise = fm_link.acoustic_noise(16000, np.random.default_rng(7))
    assert fm_link.rms(noise) == pytest.approx(1.0)
    assert share_above(noise, 3420) < 1e-6


def test_the_loudspeaker_rises_by_its_slope_and_delays_nothing():
    time = np.arange(8000) / 8000
    middle = slice(500, -500)
    levels = {}
    for frequency in (500, 1000, 2000):
        tone = np.sin(2 * np.pi * frequency * time)
        heard = fm_link.loudspeaker(tone)
        levels[frequency] = 20 * np.log10(
            fm_link.rms(heard[middle]) / fm_link.rms(tone[middle])
        )
        lags = correlate(heard, tone, method="fft")
        assert np.argmax(lags) - (len(tone) - 1) == 0
    assert levels[1000] == pytest.approx(0.0, abs=0.2)
    assert levels[2000] - levels[1000] == pytest.approx(8.0, abs=0.3)
    assert levels[1000] - levels[500] == pytest.approx(8.0, abs=0.3)
