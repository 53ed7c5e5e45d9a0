"""Opening a model: from anywhere, whole, and without running what is in it."""

import contextlib
import json
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from demo_model import EXP, SYMBOLS, TOKENS, pack_demo, refusal

from espnet2.bin.transcribe import main
from espnet2.plain_data import read_weights, read_yaml
from espnet2.tasks.enh_s2t import EnhS2TTask
from espnet2.transcription.joint_model import take_joint_model
from espnet2.transcription.model_files import model_files
from espnet2.transcription.recogniser import TakenRecogniser


def test_a_folder_works_from_anywhere(demo_recipe, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with model_files(demo_recipe / EXP) as files:
        config = yaml.safe_load(files.config.read_text())
    assert config["token_list"] == str(demo_recipe / TOKENS)


def test_a_zip_works_where_nothing_else_of_the_recipe_is(
    demo_recipe, capsys, tmp_path, monkeypatch
):
    decode = (demo_recipe / "conf/decode_asr.yaml").rename(tmp_path / "decode.yaml")
    options = ["--decode_config", str(decode)]
    main(["--model", str(EXP), *options, "noisy.wav"])
    here = json.loads(capsys.readouterr().out)
    packed = pack_demo(demo_recipe, monkeypatch, TOKENS)
    moved = tmp_path / "moved.zip"
    packed.rename(moved)
    audio = (demo_recipe / "noisy.wav").rename(tmp_path / "noisy.wav")
    demo_recipe.rename(tmp_path / "gone")
    monkeypatch.chdir(tmp_path)
    main(["--model", str(moved), *options, str(audio)])
    there = json.loads(capsys.readouterr().out)
    assert there["text"] == here["text"]
    with zipfile.ZipFile(moved) as archive:
        archive.extractall("model")
    main(["--model", "model", *options, str(audio)])
    assert json.loads(capsys.readouterr().out)["text"] == here["text"]


def test_a_zip_without_its_tokens_says_what_is_missing(
    demo_recipe, capsys, monkeypatch
):
    packed = pack_demo(demo_recipe, monkeypatch)
    line = refusal(capsys, "--model", packed, "noisy.wav")
    assert f"token_list: {TOKENS} is missing" in line


class Malice:
    """Runs a program when it is unpickled."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


def test_a_checkpoint_that_would_run_a_program_is_refused(demo_recipe, capsys):
    """Upstream reads it with weights_only=False, and the program runs."""
    trace = demo_recipe / "ran"
    weights = EXP / "valid.acc.ave.pth"
    torch.save({**torch.load(weights), "x": Malice(trace)}, weights)
    line = refusal(capsys, "--model", EXP, "noisy.wav")
    assert str(weights) in line and "could run any program" in line
    assert not trace.exists()
    torch.load(weights, weights_only=False)
    assert trace.exists(), "the trap of this test does not work"


def test_a_language_model_in_a_decoding_config_is_read_as_carefully(
    demo_recipe, capsys
):
    trace = demo_recipe / "ran"
    torch.save(Malice(trace), "lm.pth")
    lm = {
        "token_list": ["<blank>", "<unk>", "A", "B", "C", "<sos/eos>"],
        "lm": "seq_rnn",
        "lm_conf": {"unit": 4, "nlayers": 1},
        "model_conf": {},
        "init": None,
    }
    Path("lm.yaml").write_text(yaml.safe_dump(lm))
    conf = {"lm_train_config": "lm.yaml", "lm_file": "lm.pth"}
    Path("decode.yaml").write_text(yaml.safe_dump(conf))
    words = ["--model", EXP, "--decode_config", "decode.yaml", "noisy.wav"]
    assert "UnpicklingError" in refusal(capsys, *words)
    assert not trace.exists()


def change_config(**keys) -> None:
    path = EXP / "config.yaml"
    config = {**yaml.safe_load(path.read_text()), **keys}
    path.write_text(yaml.safe_dump(config))


def test_a_config_that_would_run_a_program_is_refused(demo_recipe, capsys):
    """Upstream evaluates ``args.<entry>_model_conf`` for each entry."""
    trace = demo_recipe / "ran"
    entry = f"x if open({str(trace)!r}, 'w') else args.asr"
    change_config(subtask_series=["enh", entry], x=0)
    assert "subtask_series" in refusal(capsys, "--model", EXP, "noisy.wav")
    assert not trace.exists()
    with contextlib.suppress(Exception):
        EnhS2TTask.build_model_from_file(EXP / "config.yaml")
    assert trace.exists(), "the trap of this test does not work"
    Path(EXP / "config.yaml").write_text("a: !!python/name:os.system\n")
    assert "cannot be read" in refusal(capsys, "--model", EXP, "noisy.wav")


def test_an_archive_that_writes_outside_of_itself_is_refused(demo_recipe, capsys):
    with zipfile.ZipFile("bad.zip", "w") as archive:
        archive.writestr("meta.yaml", "yaml_files: {x: ../out.yaml}\nfiles: {}\n")
        archive.writestr("../out.yaml", "a: 1\n")
    line = refusal(capsys, "--model", "bad.zip", "noisy.wav")
    assert "'../out.yaml' lies outside" in line
    with zipfile.ZipFile("bad.zip", "w") as archive:
        named = {
            "yaml_files": {"enh_s2t_train_config": str(Path("conf/x.yaml").absolute())},
            "files": {"enh_s2t_model_file": "model.pth"},
        }
        archive.writestr("meta.yaml", yaml.safe_dump(named))
        archive.writestr("model.pth", "")
    line = refusal(capsys, "--model", "bad.zip", "noisy.wav")
    assert "lies outside the model's folder" in line


def test_parameters_missing_from_a_checkpoint_are_an_error(demo_recipe, capsys):
    """Upstream leaves them random without a word."""
    path = EXP / "valid.acc.ave.pth"
    state = torch.load(path)
    name = next(iter(state))
    del state[name]
    torch.save(state, path)
    line = refusal(capsys, "--model", EXP, "noisy.wav")
    assert "lacks 1 parameters" in line and name in line


def test_a_joint_model_is_taken_with_its_language_model(demo_recipe, monkeypatch):
    """Everything is in one's own folder: the zip is unpacked for a moment only."""
    config = yaml.safe_load((demo_recipe / EXP / "config.yaml").read_text())
    lm = {"token_list": str(TOKENS), "bpemodel": None, "lm": "transformer"}
    (demo_recipe / "lm.yaml").write_text(yaml.safe_dump(lm))
    torch.save({"weight": torch.ones(1)}, demo_recipe / "lm.pth")
    packed = pack_demo(demo_recipe, monkeypatch, TOKENS, lm=True)
    taken = TakenRecogniser(demo_recipe / "taken")
    with pytest.raises(ValueError, match="fs: 8000: the data have 16000 Hz"):
        take_joint_model(str(packed), taken, 16000)
    take_joint_model(str(packed), taken, 8000)
    assert read_yaml(taken.config)["token_list"] == SYMBOLS
    assert read_yaml(taken.config)["enh_encoder"] == config["enh_encoder"]
    assert read_weights(taken.folder / "lm/model.pth")["weight"] == 1
    assert read_yaml(taken.folder / "lm/config.yaml") == {**lm, "token_list": SYMBOLS}
