"""A trained recogniser is taken whole: files, config, text; or refused in one line."""

import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
import yaml
from in_process import run_script
from test_toy_recipe import NO_PICTURES, Recipe

from espnet2.bin.asr_inference import Speech2Text
from espnet2.bin.interruptible_asr_train import InterruptibleASRTask
from espnet2.bin.pack import main as pack
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.transcription.recogniser import (
    TakenRecogniser,
    copy_files,
    joint_config,
    take,
)

SCRIPT = "egs2/TEMPLATE/asr_with_enhancement/pyscripts/utils/take_recogniser.py"
LOCAL = {"upstream": "wavlm_local", "path_or_url": "no.pt"}
STATS = {
    "count": np.array(9),
    "sum": np.arange(12.0),
    "sum_square": np.arange(12.0) * 50,
}


@pytest.fixture
def recogniser(tmp_path) -> Path:
    """An experiment folder as upstream's ASR training leaves it."""
    folder = tmp_path / "exp" / "asr"
    folder.mkdir(parents=True)
    np.savez(folder / "feats_stats.npz", **STATS)
    joint = {**tiny.CONFIG, "normalize": "global_mvn"}
    config = {
        key.removeprefix("asr_"): value
        for key, value in joint.items()
        if not key.startswith("enh_")
    }
    config |= {"token_type": "char", "output_dir": str(folder)}
    config |= {"normalize_conf": {"stats_file": str(folder / "feats_stats.npz")}}
    (folder / "plain.yaml").write_text(yaml.safe_dump(config))
    args = InterruptibleASRTask.get_parser().parse_args(
        ["--config", str(folder / "plain.yaml"), "--output_dir", str(folder)]
    )
    torch.manual_seed(1)
    model = InterruptibleASRTask.build_model(args)
    torch.save(model.state_dict(), folder / "valid.acc.ave.pth")
    (folder / "config.yaml").write_text(yaml.safe_dump({**vars(args), "config": ""}))
    return folder


def change(recogniser: Path, **keys) -> None:
    path = recogniser / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **keys}))


def test_its_bpe_model_is_found_where_it_was_copied(tmp_path):
    """It was looked for in the folder of an unpacked zip, which is gone by then."""
    for name in ("bpe", "weights"):
        (tmp_path / name).write_text(name)
    config = {"token_list": ["a"], "token_type": "bpe"}
    config["bpemodel"] = str(tmp_path / "bpe")
    taken = TakenRecogniser(tmp_path / "taken")
    copy_files(config, tmp_path / "weights", taken)
    assert yaml.safe_load(taken.config.read_text())["bpemodel"] == str(taken.bpe_model)
    assert taken.bpe_model.read_text() == "bpe"


def take_by_script(recogniser: Path, repo_root: Path, rate: str = "8k") -> dict:
    """Run the script as a recipe does; return the joint config that it writes."""
    folder = recogniser.parent.parent
    enh = {k: v for k, v in tiny.CONFIG.items() if k.startswith("enh_")}
    joint = folder / "train.yaml"
    joint.write_text(yaml.safe_dump({**enh, "asr_encoder": "rnn", "seed": 5}))
    words = ["--fs", rate, "--joint_config", str(joint), str(recogniser)]
    run_script(repo_root / SCRIPT, *words, folder / "taken").check_returncode()
    return yaml.safe_load((folder / "taken/train.yaml").read_text())


def test_the_joint_model_has_the_recogniser_and_hears_as_it_does(
    recogniser, tmp_path, repo_root, monkeypatch
):
    """Speech that goes round the SE module gets the text of stock asr_inference."""
    config = take_by_script(recogniser, repo_root)
    assert (config["asr_encoder"], config["seed"]) == ("transformer", 5)
    taken = TakenRecogniser(tmp_path / "taken")
    for name in ("valid.acc.ave.pth", "feats_stats.npz", "config.yaml"):
        (recogniser / name).unlink()  # nothing of it is needed any more
    args = GradientRemedyTask.get_parser().parse_args(
        ["--config", str(tmp_path / "taken/train.yaml"), "--output_dir", str(tmp_path)]
        + ["--token_list", str(taken.tokens), "--token_type", "char"]
    )
    model = GradientRemedyTask.build_model(args)
    state = torch.load(taken.weights)
    model.s2t_model.load_state_dict(state)
    assert "normalize.mean" in state
    torch.save(model.state_dict(), tmp_path / "joint.pth")
    (tmp_path / "joint.yaml").write_text(yaml.safe_dump(vars(args)))
    joint = Speech2Text(
        tmp_path / "joint.yaml", tmp_path / "joint.pth", enh_s2t_task=True, beam_size=3
    )
    alone = Speech2Text(taken.config, taken.weights, beam_size=3)
    hear = joint.asr_model.s2t_model.encode
    monkeypatch.setattr(
        joint.asr_model, "encode", lambda **speech: [[part] for part in hear(**speech)]
    )
    speech = tiny.batch()["speech"][0].float()
    for found, expected in zip(joint(speech)[0], alone(speech), strict=False):
        assert found[1] == expected[1] and found[3].score == expected[3].score


def test_the_same_recogniser_is_taken_once(recogniser, tmp_path, repo_root):
    take_by_script(recogniser, repo_root)
    weights = tmp_path / "taken/model.pth"
    first = weights.stat().st_mtime_ns
    take_by_script(recogniser, repo_root)
    assert weights.stat().st_mtime_ns == first
    (recogniser / "valid.acc.ave.pth").touch()
    take_by_script(recogniser, repo_root)
    assert weights.stat().st_mtime_ns > first
    with pytest.raises(subprocess.CalledProcessError):  # it was taken at another rate
        take_by_script(recogniser, repo_root, "16k")


def test_a_packed_recogniser_is_taken_as_its_folder_is(
    recogniser, tmp_path, monkeypatch
):
    words = ["--asr_train_config", str(recogniser / "config.yaml")]
    words += ["--asr_model_file", str(recogniser / "valid.acc.ave.pth")]
    words += ["--option", str(recogniser / "feats_stats.npz")]
    packed = tmp_path / "asr.zip"
    monkeypatch.chdir(tmp_path)
    pack(["asr", "--outpath", str(packed), *words])
    folders = [TakenRecogniser(tmp_path / name) for name in ("one", "two")]
    take(str(recogniser), folders[0], 8000)
    take(str(packed), folders[1], 8000)
    for name in ("model.pth", "tokens.txt", "feats_stats.npz"):
        one, two = (taken.folder / name for taken in folders)
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"frontend_conf": {"fs": "16k"}}, "fs: 16000: the data have 8000 Hz"),
        ({"subtask_series": ["enh", "asr"]}, "is of a joint model"),
        ({"token_list": None}, "is no config.yaml of an ASR training"),
        ({"model": "pit_espnet"}, "model: pit_espnet: only espnet"),
        ({"joint_net_conf": {"joint_space_size": 2}}, "transducers cannot be taken"),
        ({"token_type": "whisper_en"}, "whisper_en: expected bpe or char"),
        ({"use_adapter": True}, "models with adapters are not supported"),
        ({"frontend": "fused"}, "config.yaml: frontend: fused: hands no gradient"),
        (
            {"frontend_conf": {"fs": 8000, "frontend_conf": LOCAL}},
            "path_or_url: no.pt is missing",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused(recogniser, tmp_path, keys, message):
    change(recogniser, **keys)
    with pytest.raises(ValueError, match=message):
        take(str(recogniser), TakenRecogniser(tmp_path / "taken"), 8000)
    assert not (tmp_path / "taken").exists()


def test_what_is_not_there_or_would_run_code_is_refused(recogniser, tmp_path):
    taken = TakenRecogniser(tmp_path / "taken")
    with pytest.raises(ValueError, match="no/where: there is no such file or folder"):
        take("no/where", taken, 8000)
    torch.save({"a": Path("b")}, recogniser / "valid.acc.ave.pth")
    with pytest.raises(ValueError, match="holds more than tensors"):
        take(str(recogniser), taken, 8000)
    (recogniser / "valid.acc.ave.pth").unlink()
    with pytest.raises(ValueError, match=r"valid.acc.ave.pth: is missing"):
        take(str(recogniser), taken, 8000)


def test_only_the_recognisers_keys_are_taken():
    joint = {"optim": "adam", "asr_encoder": "rnn", "specaug": None, "enh_loss": "x"}
    recogniser = {"encoder": "conformer", "optim": "sgd", "normalize": None}
    assert joint_config(joint, recogniser) == {
        **joint,
        "asr_encoder": "conformer",
        "normalize": None,
    }


def three_commands(repo_root: Path) -> list[list[str]]:
    """The options of run.sh in the three commands of the guide."""
    guide = (repo_root / "docs/your_recogniser.md").read_text()
    block = guide.split("## Try it in three commands")[1].split("```")[1]
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("./run.sh")]


@pytest.mark.slow
def test_the_three_commands_of_the_guide_in_short(tmp_path, repo_root, repo_env):
    """The recogniser that is taken stays as it is, bit for bit."""
    pytest.importorskip("espeakng_loader", reason="espeakng-loader speaks the corpus")
    recipe = Recipe(tmp_path / "my recipe", repo_root, repo_env)
    train, take_it, score = three_commands(repo_root)
    few = f"--max_epoch 1 --batch_size 8 {NO_PICTURES}"
    printed = recipe.run(*train, "--asr_first_args", few)
    (first,) = recipe.folder.glob("exp/asr_first_*_clean/valid.acc.ave.pth")
    folder = str(first.parent.relative_to(recipe.folder))
    assert f"--asr_model {folder}" in printed
    assert not list(recipe.folder.glob("exp/enh_asr_*/checkpoint.pth"))
    config = yaml.safe_load((first.parent / "config.yaml").read_text())
    assert config["train_data_path_and_name_and_type"][0][0].endswith("spk1.scp")
    for words in (take_it, score):
        words[words.index("--asr_model") + 1] = folder
    take_it += ["--enh_asr_config", "conf/train_fixed_recogniser.yaml"]
    recipe.run(*take_it, "--stop_stage", "14", "--enh_asr_args", few)
    exp = recipe.folder / "exp/enh_asr_fixed"
    config = yaml.safe_load((exp / "config.yaml").read_text())
    assert config["gradient_method"] == "one_way" and config["enh_weight"] == 0.95
    assert config["gradient_conf"]["smoothing"] == 0.98
    before, after = torch.load(first), torch.load(exp / "valid.acc.ave.pth")
    for name, value in before.items():
        assert torch.equal(after[f"s2t_model.{name}"], value), name
    assert "/test|6|" in (exp / "RESULTS.md").read_text()
    (recipe.folder / "exp/other").symlink_to(first.parent)
    score[score.index("pocketsphinx")] = "exp/other"
    recipe.run(*score, "--stop_stage", "14")
    assert "|other|unseen|" in (exp / "RESULTS_unseen.md").read_text()
