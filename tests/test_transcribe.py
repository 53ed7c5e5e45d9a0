"""The shell command for noisy recordings: what it reads, prints and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from demo_model import EXP, RATE, refusal

from espnet2.bin.transcribe import main
from espnet2.transcription.recordings import find_recordings, read_speech

QUICK = ["--decode_config", "conf/decode_asr.yaml"]


def transcribe(capsys, *words: str | Path) -> tuple[list[dict], int]:
    """The lines that the command prints, and its exit code."""
    code = 0
    try:
        main(["--model", str(EXP), *QUICK, *map(str, words)])
    except SystemExit as exit_info:
        code = exit_info.code
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in lines], code


@pytest.mark.slow
def test_upstreams_classes_give_the_same_text_and_the_same_samples(demo_recipe, capsys):
    from espnet2.bin.asr_inference import Speech2Text
    from espnet2.bin.enh_inference import SeparateSpeech

    lines, code = transcribe(capsys, "--enhanced_dir", "enhanced", "noisy.wav")
    assert code == 0
    paths = (EXP / "config.yaml", EXP / "valid.acc.ave.pth")
    noisy = soundfile.read("noisy.wav", dtype="float32")[0]
    to_text = Speech2Text(*paths, enh_s2t_task=True, beam_size=2, maxlenratio=-8.0)
    text = to_text(noisy)[0][0][0].strip()
    assert text
    (line,) = lines
    assert (line["path"], line["name"], line["text"]) == ("noisy.wav", "noisy", text)
    assert line["seconds"] == 0.5
    separate = SeparateSpeech(*paths, enh_s2t_task=True, normalize_output_wav=True)
    wanted = separate(noisy[None])[0][0]
    samples, rate = soundfile.read(line["enhanced"])
    assert rate == RATE
    assert np.abs(samples - wanted).max() <= 1 / 32768


def test_a_broken_file_is_named_in_its_line_and_the_others_go_on(demo_recipe, capsys):
    Path("broken.wav").write_bytes(b"RIFF, but no more")
    soundfile.write("empty.wav", np.zeros(0), RATE)
    soundfile.write("short.wav", np.zeros(40), RATE)
    files = ["broken.wav", "gone.wav", "empty.wav", "short.wav", "noisy.wav"]
    lines, code = transcribe(capsys, *files)
    assert code == 1
    assert [line["path"] for line in lines] == files
    for line, message in zip(
        lines, ("not readable", "is missing", "no samples", ""), strict=False
    ):
        assert line["error"].startswith(line["path"] + ": ")
        assert message in line["error"]
        assert "text" not in line
    assert "error" not in lines[-1] and lines[-1]["text"]


def test_silence_has_a_text_or_an_error_and_never_a_broken_wav(demo_recipe, capsys):
    soundfile.write("silence.wav", np.zeros(RATE), RATE)
    (line,), code = transcribe(capsys, "--enhanced_dir", "enhanced", "silence.wav")
    assert code == ("error" in line)
    assert ("enhanced" in line) == Path("enhanced/silence.wav").exists()


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000, 44101])
def test_any_rate_becomes_the_models_with_the_same_tone(tmp_path, rate):
    time = np.arange(rate) / rate
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 1000 * time), rate)
    samples, seconds = read_speech(str(tmp_path / "a.wav"), 0, 8000)
    assert seconds == 1.0
    assert samples.dtype == np.float32 and samples.shape == (8000,)
    wanted = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    assert np.abs(samples - wanted)[500:-500].max() < 2e-3


def test_the_channel_is_the_first_unless_chosen(tmp_path):
    both = np.stack([np.full(100, 0.25), np.full(100, -0.5)], 1)
    path = str(tmp_path / "stereo.wav")
    soundfile.write(path, both, RATE)
    assert set(read_speech(path, 0, RATE)[0]) == {0.25}
    assert set(read_speech(path, 1, RATE)[0]) == {-0.5}
    with pytest.raises(ValueError, match="has 2 channels, no --channel 2"):
        read_speech(path, 2, RATE)
    assert read_speech(path, None, 2 * RATE)[0].shape == (200, 2)
    soundfile.write(path, both[:, 0], RATE)
    assert read_speech(path, None, RATE)[0].shape == (100,)


def test_folders_lists_and_files_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("talks/b.wav", "talks/day 1/a.FLAC", "talks/notes.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("list.scp").write_text("utt1 some where/x.wav\nrec/2 y.wav\n")
    found = find_recordings(["talks", "list.scp", "z.wav"])
    assert [tuple(recording) for recording in found] == [
        ("talks/b.wav", "b"),
        ("talks/day 1/a.FLAC", "day 1/a"),
        ("some where/x.wav", "utt1"),
        ("y.wav", "rec_2"),
        ("z.wav", "z"),
    ]
    Path("bad.scp").write_text("utt1 x.wav\nutt2\n")
    with pytest.raises(ValueError, match="bad.scp:2: expected '<name> <path"):
        find_recordings(["bad.scp"])
    Path("none").mkdir()
    with pytest.raises(ValueError, match="none: holds no audio"):
        find_recordings(["none"])


def test_commands_in_a_list_are_not_run(tmp_path):
    with pytest.raises(ValueError, match="is a command"):
        read_speech(f"touch {tmp_path}/ran; cat a.wav |", 0, RATE)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("folder", "files"), [(".", ["noisy.wav"]), ("out", ["noisy.wav", "a/noisy.flac"])]
)
def test_no_recording_and_no_result_is_written_over(demo_recipe, capsys, folder, files):
    before = Path("noisy.wav").read_bytes()
    model = ["--model", EXP, "--enhanced_dir", folder]
    assert "noisy.wav would be written for" in refusal(capsys, *model, *files)
    assert Path("noisy.wav").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("beam_sise: 5", "unknown key beam_sise; known are"),
        # Told by typeguard, which the quick tests go without
        pytest.param("beam_size: ten", "beam_size", marks=pytest.mark.slow),
        ("enh_s2t_task: false", "unknown key enh_s2t_task"),
    ],
)
def test_a_wrong_decoding_config_is_one_line(demo_recipe, capsys, content, message):
    Path("decode.yaml").write_text(content)
    words = ["--model", EXP, "--decode_config", "decode.yaml", "noisy.wav"]
    assert message in refusal(capsys, *words)


def test_a_model_that_is_not_there_says_what_is_wanted(demo_recipe, capsys):
    assert "config.yaml: is missing" in refusal(capsys, "--model", "exp/x", "noisy.wav")
    line = refusal(capsys, "--model", "noisy.wav", "noisy.wav")
    assert "noisy.wav: is not a packed model" in line
    assert "--channel" in refusal(
        capsys, "--model", EXP, "--channel", "-1", "noisy.wav"
    )
