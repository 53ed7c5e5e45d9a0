"""What other recognisers make of the study's runs; a stub is in the recipe's place."""

import os
import subprocess
from pathlib import Path

import pytest
from study_folder import HARD

from espnet2.data_dir.tables import DataError
from espnet2.results.comparison import KEY
from study import listen
from study.plan_file import read_plan


@pytest.fixture
def tested_run(toy_study, monkeypatch):
    """A run whose model is there, of a study in the current folder."""
    monkeypatch.setenv("CALLS", str(toy_study.calls_file))
    run = read_plan(Path("plans/toy.yaml")).runs[0]
    folder = run.condition.folder
    folder.mkdir(parents=True)
    for path in Path("../asr_with_enhancement").iterdir():
        (folder / path.name).symlink_to(path.resolve())
    subprocess.run(
        ["./run.sh", "--stage", "1"], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    run.folder.mkdir(parents=True)
    (run.folder / "tested").touch()
    return run


def hear(*words: str) -> list[dict[str, str]]:
    listen.main(["--plan", "plans/toy.yaml", *words])
    return listen.heard()


def test_a_row_for_each_share_takes_the_place_of_the_one_before(tested_run, toy_study):
    first = hear("--listeners", "pocketsphinx a.zip")
    assert [(row["recogniser"], row["noisy_share"]) for row in first] == [
        ("own", "0"),
        ("own", "0.2"),
    ]
    assert [row["enhanced"] for row in first] == ["40", "30"]
    for row in first:
        assert (row["noisy"], row["clean"], row["words"]) == ("60", "10", "10")
        assert tuple(row[key] for key in KEY) == tested_run.key
    call = toy_study.calls[-1]
    assert "--stage 14 --stop_stage 14" in call and "--noisy_share auto" in call
    assert call.endswith("--unseen_asr_models pocketsphinx a.zip")
    assert hear() == first
    toy_study.write(HARD)  # the run is still the plan's, and has its key
    assert hear() == first


def test_what_fails_names_the_run_and_its_log_and_leaves_the_rows(tested_run):
    before = hear()
    with pytest.raises(DataError, match="stage 14 has failed; see .*listeners.log"):
        hear("--listeners", "broken")
    assert listen.heard() == before
    assert "what went wrong" in (tested_run.folder / "listeners.log").read_text()


def test_a_run_whose_model_is_not_here_is_not_heard(tested_run):
    os.unlink(tested_run.folder / "tested")
    with pytest.raises(DataError, match="--runs : finds no run whose model is here"):
        hear()
