"""Kill -9 at any moment of any stage: the same command again gives the same result."""

import dataclasses
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest
import torch
from small_recipe import Run, SmallRecipe

pytestmark = pytest.mark.slow

KILLS = 20
SEED = 9
STAGES = (3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14)
EXP = "exp/enh_asr_tiny"
LM_EXP = "exp/lm_train_lm_char"
MODELS = (f"{EXP}/valid.acc.ave.pth", f"{LM_EXP}/valid.loss.ave.pth")
WITH_LM = {"use_lm": "true", "lm_config": "conf/train_lm.yaml"}


@dataclasses.dataclass
class Undisturbed:
    """A recipe that was run without a break, and the seconds of each stage."""

    recipe: SmallRecipe
    seconds: dict[int, float]


def make_recipe(new_recipe, folder: Path) -> SmallRecipe:
    recipe = new_recipe(folder / "my recipe")
    recipe.options |= WITH_LM
    recipe.make_data()
    return recipe


@pytest.fixture(scope="module")
def undisturbed(new_recipe, tmp_path_factory) -> Undisturbed:
    recipe = make_recipe(new_recipe, tmp_path_factory.mktemp("whole"))
    recipe.wait_for_warm_interpreters()
    seconds = {}
    for stage in STAGES:
        start = time.monotonic()
        recipe.succeed(stage)
        seconds[stage] = time.monotonic() - start
    return Undisturbed(recipe, seconds)


def draw_moments(seconds: dict[int, float], number: int) -> dict[int, list[float]]:
    """Seconds after a stage's start: one in each, the rest as long as they take."""
    draw = random.Random(SEED)
    rest = draw.choices(list(seconds), list(seconds.values()), k=number - len(seconds))
    moments: dict[int, list[float]] = {stage: [] for stage in seconds}
    for stage in [*seconds, *rest]:
        moments[stage].append(draw.uniform(0, seconds[stage]))
    return moments


def kill_after(recipe: SmallRecipe, stage: int, seconds: float) -> None:
    """Kill a stage so long after its start, or sooner if it is through by then."""
    while True:
        run = recipe.start_warm(stage)
        deadline = time.monotonic() + seconds
        while run.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        ended = run.process.poll() is not None
        run.kill_all()
        if not ended:
            return
        assert run.process.returncode == 0, run.log.read_text()[-3000:]
        seconds /= 2


def results(recipe: SmallRecipe) -> str:
    """RESULTS.md without the time at which it was written."""
    text = recipe.path(f"{EXP}/RESULTS.md").read_text()
    without_date = re.sub(r"^- date: .*\n", "", text, count=1, flags=re.MULTILINE)
    assert "|decoded/valid|2|" in without_date != text
    return without_date


def test_a_run_killed_twenty_times_ends_with_the_same_result(
    undisturbed, new_recipe, tmp_path
):
    recipe = make_recipe(new_recipe, tmp_path)
    for stage, moments in draw_moments(undisturbed.seconds, KILLS).items():
        for seconds in moments:
            kill_after(recipe, stage, seconds)
        recipe.succeed(stage)
    assert results(recipe) == results(undisturbed.recipe)
    for model in MODELS:
        wanted, found = (
            torch.load(each.path(model), weights_only=True)
            for each in (undisturbed.recipe, recipe)
        )
        assert wanted.keys() == found.keys()
        for name in wanted:
            assert torch.equal(wanted[name], found[name]), name
    perplexities = {
        each.path(f"{LM_EXP}/perplexity_test/ppl").read_text()
        for each in (undisturbed.recipe, recipe)
    }
    assert len(perplexities) == 1


def kill_all_but(run: Run, survivor: int) -> None:
    for pid in run.processes():
        if pid != survivor:
            os.kill(pid, signal.SIGKILL)
    run.process.wait()


def test_jobs_that_outlive_their_run_keep_others_away(undisturbed):
    """Only the script is killed: its jobs still write into the folder."""
    recipe = undisturbed.recipe
    before = results(recipe)
    run = recipe.start(12)
    job = run.wait_for("python3 -m espnet2.bin.joint_inference")
    os.kill(job, signal.SIGSTOP)  # or it may end before the next run looks
    run.process.kill()
    run.process.wait()
    try:
        message = recipe.fail(12).splitlines()[-1]
        assert f"{EXP}/decoded/valid is in use by another run" in message
        assert any(str(pid) in message for pid in run.processes())
    finally:
        os.kill(job, signal.SIGCONT)
    run.wait_for_end()
    recipe.succeed(12, 14)
    assert results(recipe) == before


def test_a_training_that_outlives_its_run_keeps_its_folders(undisturbed):
    """Script, launcher and run.pl are killed: the training holds the locks itself."""
    recipe = undisturbed.recipe
    longer = {"enh_asr_args": "--max_epoch 100"}
    run = recipe.start(11, **longer)
    training = run.wait_for("python3 -m espnet2.bin.gradient_remedy_train")
    kill_all_but(run, training)
    assert f"{EXP} is in use by another run" in recipe.fail(11, **longer)
    assert "dump/raw/train is in use by another run" in recipe.fail(3)
    assert recipe.path("dump/raw/org/train/feats_type").exists()
    os.kill(training, signal.SIGTERM)
    run.wait_for_end()
    recipe.succeed(11, enh_asr_args="--max_epoch 3")
