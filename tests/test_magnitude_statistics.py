"""Statistics of noisy magnitudes, from stage 10 to the training and a packed model."""

import argparse
import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import soundfile
import tiny
import torch
import yaml
from demo_model import EXP, RATE, SYMBOLS, TOKENS, pack_demo
from test_gradient_remedy_task import REFERENCED, config, error_of

from espnet2.bin import joint_inference, transcribe
from espnet2.bin.gradient_remedy_train import main
from espnet2.enh.global_mvn_blstm import GlobalMVNBLSTM
from espnet2.enh.magnitude_statistics import (
    load_statistics,
    read_statistics,
    statistics_file,
)
from espnet2.enh.own_separators import OWN_SEPARATORS, add_own_separators
from espnet2.main_funcs.collect_stats import collect_stats
from espnet2.tasks import enh, enh_s2t
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.transcription.hearing import Hearing

OURS = {
    "enh_separator": "global_mvn_blstm",
    "enh_separator_conf": {"layer": 1, "unit": 6},
}
STATS = Path("exp/stats/train/enh_magnitude_stats.npz")
LENGTHS = {"train": [2000, 2600, 3100], "valid": [2300]}  # samples


def save(path: Path, count: int, total: list[float], squares: list[float]) -> Path:
    np.savez(path, count=count, sum=np.array(total), sum_square=np.array(squares))
    return path


def test_mean_and_deviation_worked_by_hand(tmp_path):
    # bin 0: 1 1 3 3; bin 1: 3 3 3 3, which never varies
    path = save(tmp_path / "a.npz", 4, [8, 12], [20, 36])
    mean, std = read_statistics(path)
    assert (mean.tolist(), std.tolist()) == ([2, 3], [1, 1])
    path = save(tmp_path / "b.npz", 2, [6, 0], [26, 0])  # 1 5; 0 0
    mean, std = read_statistics(path)
    assert (mean.tolist(), std.tolist()) == ([3, 0], [2, 1])


def test_padding_does_not_count(tmp_path):
    model, batch = tiny.tiny_model(**OURS, collect_stats=True), tiny.batch()
    spectrum, frames = model.enh_model.encoder(batch["speech"], batch["speech_lengths"])
    assert frames.tolist() == [63, 60, 57, 54]  # 32 samples each, and one more
    valid = [one[:length].abs() for one, length in zip(spectrum, frames, strict=True)]
    batches = [(batch.pop("utt_id"), batch)]
    collect_stats(model, batches, batches, tmp_path, 0, None, False)
    with np.load(tmp_path / "train/enh_magnitude_stats.npz") as file:
        assert file["count"] == 63 + 60 + 57 + 54
        assert file["sum"].dtype == np.float64
        np.testing.assert_allclose(file["sum"], torch.cat(valid).sum(0))
        np.testing.assert_allclose(file["sum_square"], torch.cat(valid).square().sum(0))


def test_other_separators_make_no_such_statistics():
    keys = tiny.tiny_model().collect_feats(**tiny.batch()).keys()
    assert keys == {"feats", "feats_lengths"}


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    shapes = [str(tmp_path / "speech_shape")]
    path = tmp_path / "enh_magnitude_stats.npz"
    with pytest.raises(ValueError, match=rf"^{path}: is missing; stage 10 makes it"):
        statistics_file(shapes)
    path.write_bytes(b"PK, but no more")
    for look in (lambda: statistics_file(shapes), lambda: read_statistics(path)):
        with pytest.raises(ValueError, match=f"{path}: is damaged .*; stage 10 makes"):
            look()
    np.savez(path, count=4)
    assert statistics_file(shapes) == path
    with pytest.raises(ValueError, match=f"{path}: is damaged .*sum.*; stage 10 makes"):
        read_statistics(path)
    save(path, 4, [8, 12], [20, 36])
    with pytest.raises(ValueError, match="has 2 frequency bins, enh_encoder 3; stage"):
        load_statistics(GlobalMVNBLSTM(3), path)
    with pytest.raises(ValueError, match="train_shape_file: is missing; stage 10"):
        statistics_file([])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "enh_magnitude_stats.npz: is missing; stage 10 makes it"),
        ({"gradient_method": "asr_only"}, "stats.npz: is missing; stage 10 makes it"),
        (
            {"enh_encoder": "conv"},
            "enh_separator: global_mvn_blstm: wants enh_encoder: stft, not conv",
        ),
        (
            {"enh_separator_conf": {"nonlinear": "relu"}},
            "enh_separator_conf: nonlinear: enh_separator: global_mvn_blstm has no "
            "such key; it has input_dim, layer, unit, dropout",
        ),
    ],
)
def test_a_training_that_cannot_be_is_refused_in_one_line(
    tmp_path, capsys, keys, message
):
    shapes = tmp_path / "speech_shape"
    shapes.write_text("a 100\n")
    if "enh_separator_conf" in keys:
        save(tmp_path / "enh_magnitude_stats.npz", 1, [1], [1])
    words = [*REFERENCED, "--train_shape_file", str(shapes)]
    words += config(tmp_path, **OURS | keys)
    assert message in error_of(capsys, words, separator=[])


def test_a_file_that_was_cut_short_is_refused_in_one_line(tmp_path, capsys):
    path = save(tmp_path / "enh_magnitude_stats.npz", 1, [1], [1])
    path.write_bytes(path.read_bytes()[:-30])
    words = [*REFERENCED, "--train_shape_file", str(tmp_path / "speech_shape")]
    line = error_of(capsys, [*words, *config(tmp_path, **OURS)], separator=[])
    assert f"{path}: is damaged" in line


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    """A recipe folder after stages 10 and 11: one epoch of the tiny model."""
    folder = tmp_path_factory.mktemp("recipe")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
        TOKENS.parent.mkdir(parents=True)
        TOKENS.write_text("\n".join(SYMBOLS) + "\n")
        data = [word for part in LENGTHS for word in make_set(part)]
        keys = {**tiny.CONFIG, **OURS, "token_list": str(TOKENS), "token_type": "char"}
        keys |= {"max_epoch": 1, "num_att_plot": 0, "use_matplotlib": False}
        keys |= {"asr_model_conf": {"extract_feats_in_collect_stats": False}}
        keys |= {"batch_type": "unsorted", "batch_size": 1, "num_workers": 0}
        words = [*config(folder, **keys), "--ngpu", "0", "--use_preprocessor", "true"]
        words += ["--text_name", "text_spk1", *data]
        keyfiles = [f"--{part}_shape_file={part}/wav.scp" for part in LENGTHS]
        stats = ["--collect_stats", "true", "--output_dir", "exp/stats"]
        main([*words, *keyfiles, *stats])
        shapes = [f"--{p}_shape_file=exp/stats/{p}/speech_shape" for p in LENGTHS]
        main([*words, *shapes, "--output_dir", str(EXP)])
    return folder


def make_set(part: str) -> list[str]:
    """Write noise of the set's lengths; return the options that name its files."""
    Path(part).mkdir()
    generator, tables = np.random.default_rng(len(part)), ("wav", "spk1")
    lines = {name: [] for name in (*tables, "text")}
    for index, length in enumerate(LENGTHS[part]):
        for name in tables:
            path = f"{part}/{name}{index}.wav"
            soundfile.write(path, 0.1 * generator.normal(size=length), RATE)
            lines[name].append(f"utt{index} {path}\n")
        lines["text"].append(f"utt{index} AB\n")
    for name, found in lines.items():
        Path(part, f"{name}.scp").write_text("".join(found))
    option = f"--{part}_data_path_and_name_and_type"
    return [
        *(option, f"{part}/wav.scp,speech,sound"),
        *(option, f"{part}/spk1.scp,speech_ref1,sound"),
        *(option, f"{part}/text.scp,text_spk1,text"),
    ]


@pytest.fixture
def in_recipe(recipe, monkeypatch) -> Path:
    monkeypatch.chdir(recipe)
    return recipe


def test_stage_10_sums_over_all_frames_of_the_training_set(in_recipe):
    """Beside no others: the ASR features are normalised by utterance."""
    window = torch.hann_window(64, dtype=torch.float64)
    frames = []
    for path in sorted(Path("train").glob("wav*.wav")):
        samples = torch.as_tensor(soundfile.read(path)[0])
        spectrum = torch.stft(samples, 64, 32, window=window, return_complex=True)
        frames.append(spectrum.abs().T)
    frames = torch.cat(frames)
    assert np.load(STATS)["count"] == len(frames)
    mean, std = read_statistics(STATS)
    torch.testing.assert_close(mean, frames.mean(0), rtol=1e-4, atol=1e-6)
    wanted = frames.std(0, correction=0)
    torch.testing.assert_close(std, wanted, rtol=1e-4, atol=1e-6)
    assert not (STATS.parent / "feats_stats.npz").exists()


def test_the_training_takes_and_keeps_them(in_recipe):
    """The config names no file: whoever reads the model needs none."""
    state = torch.load(EXP / "valid.acc.ave.pth", weights_only=True)
    mean, std = read_statistics(STATS)
    part = "enh_model.separator"
    torch.testing.assert_close(state[f"{part}.mean"], mean.float())
    torch.testing.assert_close(state[f"{part}.std"], std.float())
    saved = yaml.safe_load((EXP / "config.yaml").read_text())
    assert {key: saved[key] for key in OURS} == OURS


def test_a_training_reads_them_once(in_recipe, tmp_path):
    """They were read for the options' check, and again for the model."""
    keys = config(tmp_path, **{**tiny.CONFIG, **OURS, "token_list": str(TOKENS)})
    shapes = ["--train_shape_file", str(STATS.with_name("speech_shape"))]
    words = [*REFERENCED, *keys, *shapes, "--dry_run", "true", "--ngpu", "0"]
    with mock.patch.object(np, "load", wraps=np.load) as load:
        main([*words, "--output_dir", str(tmp_path)])
    assert [call.args[0] for call in load.call_args_list] == [STATS]


def as_in_stock_espnet() -> None:
    """Make upstream's tasks forget the separators of ours, as a new process begins."""
    for choices in (enh.separator_choices, enh_s2t.enh_separator_choices):
        for name in OWN_SEPARATORS:
            choices.classes.pop(name, None)


@pytest.fixture
def forgetful():
    """Upstream's tasks know ours again in the end."""
    yield as_in_stock_espnet
    add_own_separators()


def infer(program: str, name: str, output: Path, **options: object) -> None:
    """Run a program as stages 12 and 13 do."""
    as_in_stock_espnet()
    options |= {"enh_s2t_task": "true", "ngpu": 0, "output_dir": output}
    options["data_path_and_name_and_type"] = f"valid/wav.scp,{name},sound"
    words = (str(word) for key in options for word in (f"--{key}", options[key]))
    joint_inference.main([program, *words])


def test_the_model_decodes_and_enhances_packed_and_without_statistics(
    in_recipe, forgetful, tmp_path, monkeypatch, capsys
):
    """As stages 12 and 13 do; the packed one of stage 16 alone, elsewhere, the same."""
    config, weights = EXP / "config.yaml", EXP / "valid.acc.ave.pth"
    beam = {"beam_size": 2, "maxlenratio": -8}
    Path("exp/stats").rename("exp/gone")
    asr = {"asr_train_config": config, "asr_model_file": weights, **beam}
    infer("asr_inference", "speech", tmp_path / "asr", **asr)
    se = {"train_config": config, "model_file": weights, "fs": RATE}
    se |= {"normalize_output_wav": "true"}
    infer("enh_inference", "speech_mix", tmp_path / "enh", **se)
    Path("exp/gone").rename("exp/stats")
    pack_demo(in_recipe, monkeypatch, TOKENS).rename(tmp_path / "model.zip")
    monkeypatch.chdir(tmp_path)
    Path("decode.yaml").write_text(yaml.safe_dump(beam))
    capsys.readouterr()
    words = ["--model", "model.zip", "--decode_config", "decode.yaml"]
    recording = str(in_recipe / "valid/wav0.wav")
    forgetful()
    transcribe.main([*words, "--enhanced_dir", "out", recording])
    (line,) = capsys.readouterr().out.splitlines()
    text = Path("asr/1best_recog/text_spk1").read_text()
    assert json.loads(line)["text"] == text.removeprefix("utt0").strip() != ""
    wanted, found = (
        soundfile.read(name)[0]
        for name in (Path("enh/spk1.scp").read_text().split()[1], "out/wav0.wav")
    )
    assert len(found) == LENGTHS["valid"][0] and np.abs(found).max() > 0.8
    assert np.abs(found - wanted).max() <= 1 / 32768


def test_other_recognisers_hear_what_it_enhances(in_recipe, forgetful):
    model = {"enh_train_config": EXP / "config.yaml", "noisy_share": 0.0}
    model |= {
        "enh_model_file": EXP / "valid.acc.ave.pth",
        "data_fs": "8k",
        "ref_channel": 0,
    }
    options = argparse.Namespace(**model, enh_inference_config=None)
    noisy = soundfile.read("valid/wav0.wav", dtype="float32")[0]
    forgetful()
    heard = Hearing(options, RATE, "cpu")(noisy)
    assert heard.shape == noisy.shape and not np.allclose(heard, noisy)


def test_the_choice_is_in_the_help_of_the_training(capsys, forgetful):
    assert "global_mvn_blstm" in GradientRemedyTask.get_parser().format_help()
    forgetful()
    assert "global_mvn_blstm" not in GradientRemedyTask.get_parser().format_help()
