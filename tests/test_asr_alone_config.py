"""The recogniser that is trained alone is the one that stands in the joint config."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from espnet2.bin.interruptible_asr_train import InterruptibleASRTask
from espnet2.tasks.gradient_remedy import GradientRemedyTask

SCRIPT = "egs2/TEMPLATE/asr_with_enhancement/pyscripts/utils/asr_alone_config.py"
CONFIGS = [
    f"{corpus}/asr_with_enhancement/conf/train_gradient_remedy.yaml"
    for corpus in ("mini_radio", "rats_chA", "chime4")
]


@pytest.fixture
def derive(repo_root, repo_env):
    """Run the script on a joint config; return the finished process."""

    def run(joint: Path) -> subprocess.CompletedProcess:
        words = [sys.executable, repo_root / SCRIPT, joint]
        return subprocess.run(words, capture_output=True, text=True, env=repo_env)

    return run


def shapes(task: type, *words: str) -> dict[str, tuple]:
    args = task.get_parser().parse_args(words)
    model = task.build_model(args)
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS)
def test_its_parameters_are_those_of_the_joint_model(
    derive, repo_root, tmp_path, config
):
    joint = repo_root / "egs2" / config
    derived = tmp_path / "asr.yaml"
    derived.write_text(derive(joint).stdout)
    (tmp_path / "tokens.txt").write_text("<blank>\n<unk>\nA\nB\n<sos/eos>\n")
    more = ["--token_list", f"{tmp_path}/tokens.txt", "--token_type", "char"]
    more += ["--output_dir", str(tmp_path), "--config"]
    alone = shapes(InterruptibleASRTask, *more, str(derived))
    both = shapes(GradientRemedyTask, *more, str(joint))
    prefix = "s2t_model."
    assert alone == {
        name.removeprefix(prefix): shape
        for name, shape in both.items()
        if name.startswith(prefix)
    }


def test_what_only_the_joint_training_means_is_left_out(derive, tmp_path):
    joint = {"seed": 3, "asr_encoder": "rnn", "asr_model_conf": {"ctc_weight": 0.3}}
    others = {"enh_weight": 0.2, "gradient_method": "sum", "model_conf": {"a": 1}}
    others |= {"init_param": ["x.pth"], "freeze_param": ["enh_model"]}
    (tmp_path / "joint.yaml").write_text(yaml.safe_dump({**joint, **others}))
    assert yaml.safe_load(derive(tmp_path / "joint.yaml").stdout) == {
        "seed": 3,
        "encoder": "rnn",
        "model_conf": {"ctc_weight": 0.3},
    }


def test_a_part_of_it_that_is_frozen_stays_so(derive, tmp_path):
    frozen = ["enh_model.encoder", "s2t_model.frontend.upstream"]
    (tmp_path / "joint.yaml").write_text(yaml.safe_dump({"freeze_param": frozen}))
    assert yaml.safe_load(derive(tmp_path / "joint.yaml").stdout) == {
        "freeze_param": ["frontend.upstream"]
    }


@pytest.mark.parametrize("text", ["- a\n", "a: [1\n"])
def test_a_config_that_is_none_is_named(derive, tmp_path, text):
    (tmp_path / "joint.yaml").write_text(text)
    done = derive(tmp_path / "joint.yaml")
    assert done.returncode == 1 and f"{tmp_path}/joint.yaml: " in done.stderr
