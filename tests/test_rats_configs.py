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
    wanted = {**ours["gradient_conf"], "max_stretch": None, "per_batch": True}
    assert paper == {**ours, "gradient_conf": wanted}
    assert two == {**ours, "batch_size": 32, "accum_grad": 2}
    assert ours["batch_size"] * ours["accum_grad"] == 64 == 32 * 2
