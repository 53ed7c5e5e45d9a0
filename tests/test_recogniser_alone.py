"""A recogniser by itself: what it hears, at which rate, and which ones are refused."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from demo_model import EXP, RATE, speech

from espnet2.bin import asr_inference, recogniser_inference
from espnet2.data_dir.resampling import resample
from espnet2.data_dir.tables import DataError
from espnet2.transcription.hearing import add_observation
from espnet2.transcription.listener import take_listener
from espnet2.transcription.recogniser import TakenRecogniser, joint_config

UTILS = Path("egs2/TEMPLATE/asr_with_enhancement/pyscripts/utils")
JOINT = (str(EXP / "config.yaml"), str(EXP / "valid.acc.ave.pth"))
ENHANCE = ("--enh_train_config", JOINT[0], "--enh_model_file", JOINT[1])


@pytest.fixture
def own(demo_recipe) -> TakenRecogniser:
    """The demo model's recogniser by itself, and wav.scp of two recordings."""
    taken = TakenRecogniser(Path("own"))
    assert take_listener(str(EXP), taken) == RATE
    soundfile.write("loud.wav", 2 * speech(0.7), RATE)
    Path("wav.scp").write_text("a noisy.wav\nb loud.wav\n")
    return taken


def decode(program, *words: str, scp: str = "wav.scp") -> dict[str, list[str]]:
    """Utterance -> its text and its score."""
    common = ("--config", "conf/decode_asr.yaml", "--log_level", "ERROR")
    data = ("--data_path_and_name_and_type", f"{scp},speech,sound")
    out = tempfile.mkdtemp(dir=".")
    program.main([*common, *data, *words, "--output_dir", out])
    best = Path(out, "1best_recog")
    (text,), (score,) = (sorted(best.glob(f"{name}*")) for name in ("text", "score"))
    lines = zip(
        text.read_text().split("\n"), score.read_text().split("\n"), strict=True
    )
    return {one.split()[0]: [one, two] for one, two in lines if one}


def hear(own: TakenRecogniser, *words: str, fs: str = "8k", scp: str = "wav.scp"):
    """What the recogniser by itself makes of a table."""
    model = ("--asr_train_config", str(own.config), "--asr_model_file")
    options = (*model, str(own.weights), "--data_fs", fs, *words)
    return decode(recogniser_inference, *options, scp=scp)


def test_the_shares_of_enhanced_and_noisy_add_up_to_one():
    enhanced, noisy = np.array([1.0, 0.0, -2.0]), np.array([3.0, 1.0, 2.0])
    mixed = add_observation(enhanced, noisy, 0.25)
    assert mixed.tolist() == [1.5, 0.25, -1.0]
    assert add_observation(enhanced, noisy, 0.0).tolist() == enhanced.tolist()
    assert add_observation(enhanced, noisy, 1.0).tolist() == noisy.tolist()


@pytest.mark.slow
def test_no_share_gives_the_joint_models_text_and_a_whole_one_that_of_noisy_speech(own):
    """The scores agree, too; upstream's own decoding is what they are compared with."""
    joint = ("--asr_train_config", JOINT[0], "--asr_model_file", JOINT[1])
    expected = decode(asr_inference, "--enh_s2t_task", "true", *joint)
    assert expected["a"][0].startswith("a ") and len(expected) == 2
    assert hear(own, *ENHANCE) == expected
    noisy = hear(own)
    assert noisy != expected
    assert hear(own, *ENHANCE, "--noisy_share", "1") == noisy
    assert hear(own, *ENHANCE, "--noisy_share", "0.5") not in (expected, noisy)


def test_a_parameter_that_is_missing_is_an_error(own):
    """Upstream leaves it random without a word."""
    state = torch.load(own.weights)
    name = next(iter(state))
    del state[name]
    torch.save(state, own.weights)
    with pytest.raises(ValueError, match=f"lacks 1 parameters .* such as {name}"):
        hear(own)


def change_rate(config: Path, rate: str) -> None:
    content = yaml.safe_load(config.read_text())
    content["frontend_conf"]["fs"] = rate
    config.write_text(yaml.safe_dump(content))


@pytest.mark.slow
def test_a_recogniser_of_another_rate_hears_resampled_speech(own):
    before = hear(own)
    change_rate(own.config, "16k")
    resampled = hear(own)
    assert resampled != before
    for name in ("noisy", "loud"):
        samples = soundfile.read(f"{name}.wav", dtype="float32")[0]
        fast = resample(samples, RATE, 16000)
        soundfile.write(f"{name}16.wav", fast, 16000, subtype="FLOAT")
    Path("wav16.scp").write_text("a noisy16.wav\nb loud16.wav\n")
    assert hear(own, fs="16k", scp="wav16.scp") == resampled


def test_the_own_recogniser_has_what_a_joint_training_would_take(own):
    """Taken apart and put together again the joint config has the same model."""
    config, plain = (
        yaml.safe_load(path.read_text()) for path in (Path(JOINT[0]), own.config)
    )
    again = joint_config(config, plain)
    for key, value in config.items():
        if key.startswith(("asr_", "frontend", "normalize", "ctc_conf")):
            assert again[key] == value, key
    state, joint = torch.load(own.weights), torch.load(JOINT[1])
    assert state and all(
        torch.equal(joint[f"s2t_model.{name}"], value) for name, value in state.items()
    )


@pytest.fixture
def take(demo_recipe, import_script, capsys):
    """Run take_listeners.py in the recipe folder; the lines that it logs."""
    script = import_script(UTILS / "take_listeners.py")

    def run(*words: str, fs: str = "8k") -> list[str]:
        script.main(["--fs", fs, *words])
        return capsys.readouterr().err.splitlines()

    return run


def test_recognisers_are_taken_once_and_another_rate_is_said(take):
    said = f"{EXP} is made for 8000 Hz: speech of 16000 Hz is resampled"
    assert take(str(EXP), "taken", fs="16k")[-1].endswith(said)
    made = Path("taken/model.pth").stat().st_mtime_ns
    (EXP / "RESULTS.md").touch()  # the folder changes, but not the model
    assert take(str(EXP), "taken") == []
    assert take(str(EXP), "taken", fs="16k")[0].endswith(said)
    assert Path("taken/model.pth").stat().st_mtime_ns == made
    (EXP / "valid.acc.ave.pth").rename(EXP / "latest.pth")
    assert len(take("--weights", "latest.pth", str(EXP), "taken")) == 1
    assert Path("taken/model.pth").stat().st_mtime_ns > made


def test_what_is_no_recogniser_is_named_in_one_line(take):
    Path("empty").mkdir()
    Path("text.zip").write_text("no archive")
    Path("strange").mkdir()
    Path("strange/config.yaml").write_text("optim: adam\n")
    torch.save({"a": torch.zeros(1)}, "strange/valid.acc.ave.pth")
    for model, reason in (
        ("gone.zip", "gone.zip: there is no such file or folder"),
        ("empty", "empty/config.yaml: is missing"),
        ("text.zip", "text.zip: is not a packed model"),
        ("strange", "strange: config.yaml: is no config.yaml of an ASR training"),
    ):
        with pytest.raises(DataError) as error:
            take(model, "taken")
        assert reason in str(error.value) and "\n" not in str(error.value)
        assert not Path("taken").exists()
