"""The training configs of the RATS recipe against one another."""

from pathlib import Path

import yaml

from espnet2.tasks.layered_config import read_config

RECIPE = "egs2/rats_chA/asr_with_enhancement"


def load(repo_root: Path, name: str) -> dict:
    return read_config(repo_root / RECIPE / f"conf/train_{name}.yaml")


def test_sum_differs_from_remedy_by_one_line(repo_root):
    text = (repo_root / RECIPE / "conf/train_sum.yaml").read_text()
    assert yaml.safe_load(text) == {
        "based_on": "train_gradient_remedy.yaml",
        "gradient_method": "sum",
    }
    ours = load(repo_root, "gradient_remedy")
    assert ours["gradient_method"] == "remedy" and len(ours) > 30
    assert load(repo_root, "sum") == {**ours, "gradient_method": "sum"}


def test_the_variants_differ_from_the_recipe_as_they_say(repo_root):
    ours = load(repo_root, "gradient_remedy")
    paper, two = (load(repo_root, f"gradient_remedy_{n}") for n in ("paper", "2gpu"))
    differ = {"gradient_conf", "enh_separator", "enh_separator_conf"}
    differ |= {"asr_encoder_conf"}
    assert {key for key in ours if paper[key] != ours[key]} == differ
    assert paper.keys() == ours.keys()
    wanted = {**ours["gradient_conf"], "max_stretch": None, "per_batch": True}
    assert paper["gradient_conf"] == wanted
    wanted = {**ours["asr_encoder_conf"], "rel_pos_type": "legacy"}
    assert paper["asr_encoder_conf"] == wanted
    assert (ours["enh_separator"], paper["enh_separator"]) == (
        "rnn",
        "global_mvn_blstm",
    )
    sizes = {key: ours["enh_separator_conf"][key] for key in ("layer", "unit")}
    assert paper["enh_separator_conf"] == {**sizes, "dropout": 0.5}
    assert two == {**ours, "batch_size": 32, "accum_grad": 2}
    assert ours["batch_size"] * ours["accum_grad"] == 64 == 32 * 2
