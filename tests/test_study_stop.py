"""The study on a small real corpus, stopped in the middle of its first training."""

import subprocess
import time
from pathlib import Path

import pytest
from study_folder import RECIPE, STUDY, needs_snakemake

from espnet2.results.comparison import Results
from study.plan_file import read_plan

pytest.importorskip("espeakng_loader", reason="espeakng-loader speaks the toy corpus")
pytestmark = [pytest.mark.slow, needs_snakemake]

PLAN = """\
recipe_folder: ../asr_with_enhancement
base_config: conf/train_gradient_remedy.yaml
decode_config: conf/decode_asr.yaml
baseline: sum
seeds: [0]
start: "--max_epoch 4 --checkpoint_steps 2 --num_att_plot 0 --use_matplotlib false"
common_args: "--max_epoch 1 --log_interval 1 --num_att_plot 0 --use_matplotlib false"
conditions:
    easy:
        corpus: "--num_train 48 --num_valid 8 --num_test 6"
        recipe: "--nbpe 40"
methods:
    sum: "--gradient_method sum --gradient_conf probe=true"
    asr_alone: {asr_alone: ""}
"""


def test_a_study_stopped_in_its_first_training_goes_on(toy_study):
    """A recogniser alone: stock asr_train cannot load its own checkpoint again."""
    (toy_study.recipe / "run.sh").unlink()
    for name in ("run.sh", "asr_with_enhancement.sh", "db.sh", "conf", "local"):
        (toy_study.recipe / name).symlink_to(RECIPE / name)
    (toy_study.folder / "conf").symlink_to(STUDY / "conf")
    toy_study.write(PLAN)
    runs = read_plan(Path("plans/toy.yaml")).runs
    start = runs[0].start.folder
    process = toy_study.start("--stop_stage", "2", "--jobs", "2")
    deadline = time.monotonic() + 400
    while not (start / "checkpoint.pth").exists():
        assert process.poll() is None and time.monotonic() < deadline, toy_study.folder
        time.sleep(0.05)
    process.terminate()
    process.communicate(timeout=90)
    assert process.returncode == 130
    assert not (start / "trained.json").exists()
    found = subprocess.run(["pgrep", "-f", start.name], capture_output=True, text=True)
    assert not found.stdout
    log = (start / "train.log").read_text()
    assert "4/4epoch started" not in log

    code, printed = toy_study.run("--stop_stage", "2", "--jobs", "2")
    assert code == 0, printed[-3000:]
    log = (start / "train.log").read_text()
    assert "resumed" in log and "4/4epoch started" in log
    assert "1/4epoch started" not in log.split("resumed")[1]
    rows = Results(Path("report")).rows()
    assert set(rows) == {run.key for run in runs}
    scores = {key[1]: row for key, row in rows.items()}
    assert scores["asr_alone"]["si_snr"] == "nan" != scores["sum"]["si_snr"]
    assert all(row["steps"] != "nan" and row["wer"] != "nan" for row in rows.values())
