"""References as in RATS, and the figures that say how real a corpus looks."""

import numpy as np
import pytest
import soundfile
import torch

from espnet2.bin import realism
from espnet2.data_dir.folders import Entry, write_data_dir
from espnet2.data_dir.tables import DataError
from espnet2.enh.magnitude_loss import magnitude_loss
from espnet2.layers.stft import Stft
from espnet2.radio import pairs
from espnet2.radio.realism import realism_report
from espnet2.radio.signal_figures import (
    energy_above,
    level_difference,
    mask_share,
    noise_to_speech,
    peak_correlation,
)


@pytest.fixture
def noise():
    return 0.1 * np.random.default_rng(0).standard_normal(8000)


@pytest.fixture
def speech(noise):
    """Half a second of white noise between silences."""
    return np.pad(noise[:4000], 2000)


def test_noise_level_is_read_from_the_pauses():
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    clean = np.concatenate([tone, np.zeros(8000)])
    hum = 0.1 * np.sin(2 * np.pi * 500 * np.arange(16000) / 8000)
    expected = 10 * np.log10(0.01 / 1.01)  # power in the pause over speech with hum
    assert noise_to_speech(clean, clean + hum, 8000) == pytest.approx(expected)
    assert np.isnan(noise_to_speech(tone, tone, 8000))


def test_peak_correlation_finds_a_delay(noise):
    delayed = -0.5 * np.concatenate([np.zeros(7), noise[:-7]])
    peak, lag = peak_correlation(noise, delayed)
    assert lag == 7
    assert peak == pytest.approx(1.0, abs=0.01)


def test_energy_above_the_band_of_white_noise_is_that_of_the_band():
    noise = np.random.default_rng(0).standard_normal(80000)
    assert energy_above(noise, 8000) == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize(("gain", "left"), [(0.5, 0.25), (1.0, 0.0), (2.0, 0.0)])
def test_a_mask_cannot_make_louder(noise, gain, left):
    """Of |X| = g |S| the best mask leaves (1 - g)^2 where g is below 1."""
    assert mask_share(noise, gain * noise, 8000) == pytest.approx(left)
    level = level_difference(noise, gain * noise, 8000)
    assert level == pytest.approx(-20 * np.log10(gain), abs=1e-9)


def test_the_level_is_that_of_the_speech_band():
    time = np.arange(8000) / 8000
    low, high = (np.sin(2 * np.pi * f * time) for f in (1000, 3700))
    assert level_difference(low + 5 * high, low, 8000) == pytest.approx(0, abs=0.01)


def test_the_share_is_that_of_our_loss(noise):
    """By the SE loss itself, with upstream's STFT."""
    other = np.random.default_rng(1).standard_normal(len(noise)) * 0.1
    stft = Stft(n_fft=256, hop_length=128)
    signals = torch.tensor(np.stack([noise, noise + other]), dtype=torch.float32)
    spectra, _ = stft(signals)
    clean, noisy = torch.view_as_complex(spectra.contiguous()).abs()[:, None]
    mask = (clean / noisy).clamp(max=1.0)
    frames = torch.tensor([clean.shape[1]])
    best = magnitude_loss(mask * noisy, clean, frames)
    zero = magnitude_loss(0 * noisy, clean, frames)
    share = mask_share(noise, noise + other, 8000)
    assert share == pytest.approx((best / zero).item(), rel=1e-4)
    assert 0.01 < share < 0.5


def test_a_reference_as_in_rats_has_its_own_band_level_and_lag(speech):
    lags, levels = set(), []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        source, receiver = pairs.rats_like_pair(speech, 60.0, 60.0, rng)
        drawn = np.random.default_rng(seed)
        lag = drawn.integers(14)
        difference = drawn.uniform(-28.0, -22.5) - drawn.uniform(-28.5, -23.0)
        assert peak_correlation(source, receiver)[1] == lag
        levels.append(level_difference(source, receiver, 8000))
        assert levels[-1] == pytest.approx(difference, abs=0.5)
        assert energy_above(source, 8000) > -3
        assert energy_above(receiver, 8000) < -60
        assert np.corrcoef(source, speech)[0, 1] == pytest.approx(1)
        lags.add(lag)
    assert min(levels) < -1 and max(levels) > 2 and len(lags) > 5


def test_a_loud_source_makes_both_quieter(speech, monkeypatch):
    args = (speech, 20.0, 20.0)
    quiet = pairs.rats_like_pair(*args, np.random.default_rng(0))
    monkeypatch.setattr(pairs, "HIGHEST_PEAK", 0.01)
    quieter = pairs.rats_like_pair(*args, np.random.default_rng(0))
    assert max(np.abs(signal).max() for signal in quieter) == pytest.approx(0.01)
    assert quieter[0] / quieter[1] == pytest.approx(quiet[0] / quiet[1])


def make_folder(folder, signals, rate=8000):
    """A data folder of pairs; without a noisy signal the pair has no reference."""
    entries = []
    for number, (clean, noisy) in enumerate(signals):
        files = [f"{folder}-{number}-{kind}.wav" for kind in ("clean", "noisy")]
        soundfile.write(files[0], clean, rate)
        if noisy is not None:
            soundfile.write(files[1], noisy, rate)
        wav = files[noisy is not None]
        text = "A B B" if number == 0 else "A A"
        entries.append(Entry(f"spk-{number}", "spk", text, wav, files[0]))
    write_data_dir(folder, entries)


def test_a_users_folders_are_measured(tmp_path, noise, capsys):
    late = 0.5 * np.concatenate([np.zeros(5), noise[:-5]])
    make_folder(tmp_path / "train", [(noise, noise / 4)])
    pairs = [(noise, late), (noise, noise / 2), (noise, None)]
    make_folder(tmp_path / "mine", pairs)
    realism.main([str(tmp_path / "train"), str(tmp_path / "mine")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["train", "mine"]
    cells = {line[:38].strip(): line[38:].replace(" (", "(") for line in lines[1:]}
    assert cells["utterances"].split() == ["1", "3"]
    assert cells["words"].split() == ["3", "7"]
    assert cells["clean / noisy level in speech band, dB"].split("(")[0].strip() == (
        "12.0"
    )
    assert "2(0 to 5)" in cells["its lag, samples"]
    assert "56(56 to 56)" in cells["loss left by the best mask, %"]


def test_the_report_counts_unknown_words(tmp_path, noise):
    make_folder(tmp_path / "one", [(noise, noise / 2)])
    make_folder(tmp_path / "two", [(noise, noise / 2)])
    (tmp_path / "one/text_spk1").write_text("spk-0 B\n")
    report = realism_report([tmp_path / "one", tmp_path / "two"])
    (line,) = (line for line in report.splitlines() if line.startswith("words unk"))
    assert line.split()[-2:] == ["0.00", "33.33"]


def test_what_cannot_be_measured_is_named(tmp_path, noise):
    make_folder(tmp_path / "real", [(noise, None)])
    with pytest.raises(DataError, match="real: no utterance has a reference"):
        realism_report([tmp_path / "real"])
    make_folder(tmp_path / "uneven", [(noise, noise[:-1])])
    with pytest.raises(DataError, match="spk-0: .*8000 samples at 8000 Hz"):
        realism_report([tmp_path / "uneven"])
    with pytest.raises(DataError, match="absent/text_spk1 is missing"):
        realism_report([tmp_path / "absent"])
