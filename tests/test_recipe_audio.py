"""Audio of data folders: formatting, speed, checks, and the choice by length."""

import importlib
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2.data_dir.audio_writing import write_steps
from espnet2.data_dir.tables import DataError
from espnet2.data_dir.validate import validate

TEMPLATE = "egs2/TEMPLATE/asr_with_enhancement"
AUDIO = f"{TEMPLATE}/pyscripts/audio"


@pytest.fixture
def audio_io():
    return importlib.import_module("espnet2.data_dir.audio")


def write_tone(path: Path, rate: int = 8000, samples: int = 4000, hz: float = 440.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(samples) / rate)
    soundfile.write(path, tone, rate)
    return path


def make_set(folder: Path, rate: int = 8000, lengths=(4000, 6000)) -> Path:
    """A valid data folder with a noisy and a clean file for each length."""
    folder.mkdir(parents=True)
    keys = [f"s-{n}" for n in range(len(lengths))]
    tables: dict[str, list[str]] = {"wav.scp": [], "spk1.scp": []}
    for key, samples in zip(keys, lengths, strict=True):
        for name in tables:
            path = write_tone(folder / "my audio" / f"{key}.{name}.wav", rate, samples)
            tables[name].append(f"{key} {path}")
    tables["text"] = tables["text_spk1"] = [f"{key} hello you" for key in keys]
    tables["utt2spk"] = [f"{key} s" for key in keys]
    tables["spk2utt"] = [f"s {' '.join(keys)}"]
    for name, lines in tables.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return folder


@pytest.mark.parametrize(
    ("text", "rate"), [("8000", 8000), ("8k", 8000), ("16k", 16000), ("44.1k", 44100)]
)
def test_rates_may_be_written_with_k(audio_io, text, rate):
    assert audio_io.parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-8k"])
def test_other_rates_are_refused(audio_io, text):
    with pytest.raises(audio_io.DataError, match="want for example 8000"):
        audio_io.parse_rate(text)


def test_a_pipe_reads_as_the_file_does(audio_io, tmp_path):
    path = write_tone(tmp_path / "a.wav")
    direct, _ = audio_io.read_audio(str(path))
    piped, rate = audio_io.read_audio(f"cat '{path}' |")
    assert rate == 8000
    np.testing.assert_array_equal(piped, direct)


def test_a_failing_pipe_is_told_with_its_words(audio_io):
    with pytest.raises(audio_io.DataError, match="failed with 3: oh no"):
        audio_io.read_audio("echo oh no >&2; exit 3 |")


def test_bad_audio_is_told(audio_io, tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    soundfile.write(tmp_path / "two.wav", np.zeros((9, 2)), 8000)
    broken = np.array([0.0, 0.1, np.nan])
    soundfile.write(tmp_path / "nan.wav", broken, 8000, subtype="FLOAT")
    for name, message in [
        ("none.wav", "is missing"),
        ("text.wav", "is not readable audio"),
        ("empty.wav", "holds no samples"),
        ("two.wav", "has 2 channels: choose one with --ref_channel"),
        ("nan.wav", "sample 2 is nan"),
    ]:
        with pytest.raises(audio_io.DataError, match=message):
            audio_io.read_audio(str(tmp_path / name))


def test_the_channel_asked_for_is_taken(audio_io, tmp_path):
    stereo = np.stack([np.zeros(8), np.full(8, 0.5)], axis=1)
    soundfile.write(tmp_path / "two.wav", stereo, 8000)
    samples, _ = audio_io.read_audio(str(tmp_path / "two.wav"), 1)
    np.testing.assert_allclose(samples, 0.5, atol=1e-4)
    with pytest.raises(audio_io.DataError, match="so no channel 2"):
        audio_io.read_audio(str(tmp_path / "two.wav"), 2)


def test_all_channels_are_kept_where_all_are_wanted(import_script, tmp_path):
    """Each of its own, at the new rate; a set in which one has fewer is refused."""
    source = make_set(tmp_path / "in")
    time = np.arange(16000) / 16000
    wave = np.stack([np.sin(2 * np.pi * hz * time) for hz in (500, 1500)], axis=1) / 2
    paths = [line.split(maxsplit=1)[1] for line in (source / "wav.scp").open()]
    for path in paths:
        soundfile.write(path.strip(), wave, 16000)
    script = import_script(f"{AUDIO}/format_wav_scp.py")
    assert script.format_audio(source / "wav.scp", tmp_path, 8000, "flac", None, "all")
    scp = (tmp_path / "wav.scp").read_text().splitlines()
    formatted, _ = soundfile.read(scp[0].split(maxsplit=1)[1])
    assert formatted.shape == (8000, 2)
    assert np.abs(np.fft.rfft(formatted, axis=0)).argmax(0).tolist() == [500, 1500]
    (source / "spk1.scp").unlink()
    check = import_script(f"{TEMPLATE}/pyscripts/utils/check_data.py").check
    assert check(source, 16000, "all", 1) == 2
    soundfile.write(paths[1].strip(), wave[:, :1], 16000)
    with pytest.raises(DataError, match="s-1: channels: 1, but 2 elsewhere"):
        check(source, 16000, "all", 1)


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_steps_of_16_bits_are_rounded_clipped_and_written_as_they_are(tmp_path, ending):
    path = tmp_path / "new" / f"a.{ending}"
    steps = np.array([-40000.0, -32768.0, -0.4, 0.6, 1.5, 2.5, 32767.0, 40000.0])
    write_steps(path, steps, 8000)
    written, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    assert list(written) == [-32768, -32768, 0, 1, 2, 2, 32767, 32767]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_segments_cut_at_their_times(audio_io, tmp_path):
    ramp = np.arange(8000) / 16000
    soundfile.write(tmp_path / "r.wav", ramp, 8000)
    scp = {"r": str(tmp_path / "r.wav")}
    cut = audio_io.iterate_audio(scp, {"u": "r 0.25 0.5"})
    [(key, samples, rate)] = list(cut)
    assert (key, rate, len(samples)) == ("u", 8000, 2000)
    np.testing.assert_allclose(samples[0], 2000 / 16000, atol=1e-4)
    with pytest.raises(audio_io.DataError, match="u ends at 1.5 s, but .* lasts 1 s"):
        list(audio_io.iterate_audio(scp, {"u": "r 0.25 1.5"}))


def test_resampling_keeps_the_pitch_and_rounds_the_length_up():
    resample = importlib.import_module("espnet2.data_dir.resampling").resample
    tone = np.sin(2 * np.pi * 500 * np.arange(16001) / 16000)
    wave = resample(tone, 16000, 8000)
    assert len(wave) == 8001
    assert np.argmax(np.abs(np.fft.rfft(wave[:8000]))) == 500
    stereo = resample(np.stack([tone, -tone], axis=1), 16000, 8000)
    np.testing.assert_allclose(stereo, np.stack([wave, -wave], axis=1), atol=1e-12)


@pytest.mark.parametrize("count", [1, 7, 999])
@pytest.mark.parametrize("rates", [(44101, 8000), (8000, 7200), (8000, 16000)])
def test_resampling_has_no_other_length_however_short_or_odd(rates, count):
    """Two rates without a common factor once took a filter of gigabytes."""
    resample = importlib.import_module("espnet2.data_dir.resampling").resample
    wave = resample(np.ones(count, dtype=np.float32), *rates)
    assert len(wave) == math.ceil(count * rates[1] / rates[0])
    assert wave.dtype == np.float32


def test_formatting_writes_audio_scp_and_lengths(import_script, tmp_path):
    script = import_script(f"{AUDIO}/format_wav_scp.py")
    source = make_set(tmp_path / "in", rate=16000, lengths=(4000, 6001))
    out = tmp_path / "out dir"
    out.mkdir()
    assert script.format_audio(source / "wav.scp", out, 8000, "flac") == 2
    assert (out / "utt2num_samples").read_text() == "s-0 2000\ns-1 3001\n"
    assert (out / "wav.scp").read_text().splitlines()[1] == f"s-1 {out}/s-1.flac"
    assert soundfile.info(out / "s-1.flac").frames == 3001
    assert soundfile.info(out / "s-1.flac").samplerate == 8000


def test_formatting_leaves_no_scp_if_a_file_is_bad(import_script, tmp_path):
    script = import_script(f"{AUDIO}/format_wav_scp.py")
    source = make_set(tmp_path / "in")
    (source / "my audio/s-1.wav.scp.wav").write_text("no audio")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(script.DataError, match="utterance s-1: .*not readable"):
        script.format_audio(source / "wav.scp", out, 8000, "wav")
    assert not (out / "wav.scp").exists()


def test_speed_changes_length_and_pitch_of_both_files_alike(import_script, tmp_path):
    script = import_script(f"{AUDIO}/perturb_speed.py")
    source = make_set(tmp_path / "in", lengths=(8000, 6001))
    target = tmp_path / "slow one"
    assert script.perturb(source, target, 0.8, None) == 2
    for name in ("wav", "spk1"):
        wave, rate = soundfile.read(target / f"data/{name}/sp0.8-s-0.wav")
        assert (rate, len(wave)) == (8000, 10000)
        peak_hz = np.argmax(np.abs(np.fft.rfft(wave))) * rate / len(wave)
        assert peak_hz == pytest.approx(440 * 0.8, abs=1)
    noisy = soundfile.info(target / "data/wav/sp0.8-s-1.wav").frames
    assert noisy == soundfile.info(target / "data/spk1/sp0.8-s-1.wav").frames
    assert (target / "utt2spk").read_text().startswith("sp0.8-s-0 sp0.8-s\n")
    validate(target)


@pytest.mark.parametrize("factor", [0.0, -1.0, 90.0])
def test_odd_speed_factors_are_refused(import_script, tmp_path, factor):
    script = import_script(f"{AUDIO}/perturb_speed.py")
    with pytest.raises(script.DataError, match="want a value such as 0.9"):
        script.perturb(make_set(tmp_path / "in"), tmp_path / "out", factor, None)


@pytest.fixture
def check(import_script):
    module = import_script(f"{TEMPLATE}/pyscripts/utils/check_data.py")
    return lambda folder, rate=8000: module.check(folder, rate, None, 2)


def test_a_good_set_passes_the_check(check, tmp_path):
    assert check(make_set(tmp_path / "d")) == 2


def test_the_check_names_every_bad_file(check, tmp_path):
    folder = make_set(tmp_path / "d", lengths=(4000,) * 5)
    audio = folder / "my audio"
    (audio / "s-0.wav.scp.wav").write_text("no audio")
    write_tone(audio / "s-1.spk1.scp.wav", samples=3999)
    write_tone(audio / "s-2.spk1.scp.wav", rate=16000)
    nan = np.array([0.0, np.inf])
    soundfile.write(audio / "s-3.wav.scp.wav", nan, 8000, subtype="FLOAT")
    with pytest.raises(Exception, match="bad audio") as error:
        check(folder)
    told = str(error.value)
    assert "wav.scp: s-0:" in told and "not readable" in told
    assert "spk1.scp: s-1: 3999 samples at 8000 Hz, but the noisy" in told
    assert "is at 16000 Hz, not 8000" in told
    assert "sample 1 is inf" in told
    assert "s-4" not in told


def test_a_missing_file_is_named_with_its_utterance(check, tmp_path):
    folder = make_set(tmp_path / "d")
    (folder / "my audio/s-1.spk1.scp.wav").unlink()
    with pytest.raises(Exception, match="spk1.scp: s-1: no file .*s-1.spk1.scp.wav"):
        check(folder)


def test_the_check_speaks_one_error_and_no_traceback(repo_root, repo_env, tmp_path):
    folder = make_set(tmp_path / "d")
    (folder / "my audio/s-0.wav.scp.wav").write_text("no audio")
    script = repo_root / TEMPLATE / "pyscripts/utils/check_data.py"
    command = [sys.executable, str(script), "--fs", "8k", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=repo_env)
    assert done.returncode == 1
    assert "check_data.py: error: bad audio" in done.stderr
    assert "Traceback" not in done.stderr


def make_filter_input(folder: Path, lengths: dict[str, int], **texts: str) -> Path:
    folder.mkdir()
    keys = list(lengths)
    tables = {
        "utt2num_samples": [f"{key} {n}" for key, n in lengths.items()],
        "utt2spk": [f"{key} s" for key in keys],
        "wav.scp": [f"{key} x.wav" for key in keys],
        "text": [f"{key} {texts.get(key, 'words')}".rstrip() for key in keys],
        "utt2category": [f"{key} SIMU" for key in keys],
        "feats_type": ["raw"],
    }
    for name, lines in tables.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return folder


def test_only_lengths_strictly_between_the_limits_stay(import_script, tmp_path, capsys):
    script = import_script(f"{TEMPLATE}/pyscripts/utils/filter_data.py")
    lengths = {"a": 800, "b": 801, "c": 7999, "d": 8000, "e": 2000}
    source = make_filter_input(tmp_path / "in", lengths, e="")
    script.filter_folder(source, tmp_path / "out", 8000, 0.1, 1.0)
    assert (tmp_path / "out/utt2category").read_text() == "b SIMU\nc SIMU\n"
    assert (tmp_path / "out/spk2utt").read_text() == "s b c\n"
    told = capsys.readouterr().err
    assert "kept 2 of 5; dropped 1 too short, 1 too long, 1 without text" in told


def test_an_error_if_nothing_remains_leaves_the_old_folder(import_script, tmp_path):
    script = import_script(f"{TEMPLATE}/pyscripts/utils/filter_data.py")
    source = make_filter_input(tmp_path / "in", {"a": 100})
    (tmp_path / "out").mkdir()
    (tmp_path / "out/kept").touch()
    with pytest.raises(script.DataError, match="no utterance remains: 1 too short"):
        script.filter_folder(source, tmp_path / "out", 8000, 0.1, 1.0)
    assert (tmp_path / "out/kept").exists()
