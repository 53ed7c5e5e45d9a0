"""The training configs of the RATS recipe against one another."""

import yaml

RECIPE = "egs2/rats_chA/asr_with_enhancement"


def test_sum_differs_from_remedy_by_one_line(repo_root):
    conf = repo_root / RECIPE / "conf"
    ours = (conf / "train_gradient_remedy.yaml").read_text().splitlines()
    other = (conf / "train_sum.yaml").read_text().splitlines()
    assert len(ours) == len(other)
    lines = [pair for pair in zip(ours, other, strict=True) if pair[0] != pair[1]]
    assert [[yaml.safe_load(line) for line in pair] for pair in lines] == [
        [{"gradient_method": "remedy"}, {"gradient_method": "sum"}]
    ]


def test_the_variants_differ_from_the_recipe_as_they_say(repo_root):
    conf = repo_root / RECIPE / "conf"

    def load(name: str) -> dict:
        return yaml.safe_load((conf / f"train_gradient_remedy{name}.yaml").read_text())

    ours, paper, two = load(""), load("_paper"), load("_2gpu")
    wanted = {**ours["gradient_conf"], "max_stretch": None, "per_batch": True}
    assert paper == {**ours, "gradient_conf": wanted}
    assert two == {**ours, "batch_size": 32, "accum_grad": 2}
    assert ours["batch_size"] * ours["accum_grad"] == 64 == 32 * 2
