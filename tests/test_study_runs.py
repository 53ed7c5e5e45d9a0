"""The runs of the study, by its own command, with a stub in place of the recipe."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from study_folder import HARD, PLAN, needs_snakemake

from espnet2.results.comparison import KEY, Results
from study.plan_file import read_plan

pytestmark = [pytest.mark.slow, needs_snakemake]


def add_row(run, wer, words=((1, 10),)):
    row = dict(zip(KEY, run.key, strict=True)) | {"commit": "abc", "machine": "m"}
    Results(Path("report")).add(row | {"cnr": "6..14", "wer": str(wer)}, list(words))


def runs_of(name: str) -> list:
    return [run for run in read_plan(Path("plans/toy.yaml")).runs if run.name == name]


def stages(calls: list[str]) -> list[str]:
    """The stage, and the experiment without its hash, of each call."""
    found = []
    for call in calls:
        name = re.search(r"--enh_asr_exp exp/(\w+)_[0-9a-f]{8}\b", call)
        found.append(
            f"{call.split('--stage ')[1].split()[0]} {name[1] if name else ''}"
        )
    return found


def test_dry_run_lists_what_has_no_row(toy_study):
    for run in (*runs_of("sum"), *runs_of("remedy")):
        add_row(run, 10)
    code, printed = toy_study.run("--dry_run", "true")
    assert code == 0, printed
    assert "4 runs are done, 2 are to do" in printed
    rows = re.findall(r"output: (\S+/row)", printed)
    assert sorted(rows) == sorted(str(run.folder / "row") for run in runs_of("cascade"))
    assert not Path("exp").exists() and not toy_study.calls
    lines = [line for line in printed.splitlines() if "nice ./run.sh" in line]
    (first,) = (line for line in lines if "--enh_weight 1 --seed 0" in line)
    (second,) = (
        line
        for line in lines
        if "init" in line and "--stage 11" in line and "d 0" in line
    )
    assert "--stop_stage 11" in first and "--init_param exp/first_seed0_" in second
    assert "/valid.loss.ave.pth:enh_model:enh_model" in second
    assert "--freeze_param enh_model --init" in second and "--nbpe 40" in second


def test_a_failing_run_shows_its_log_and_leaves_the_others(toy_study):
    code, printed = toy_study.run("--stop_stage", "2", "--jobs", "2")
    assert code == 1
    rows = Results(Path("report")).rows()
    assert sorted(key[1] for key in rows) == ["cascade", "cascade", "sum", "sum"]
    assert len(Results(Path("report")).words()) == 4
    assert printed.count("WER 10.00 %") == 4
    assert printed.count("    what went wrong") == 2
    made = stages(toy_study.calls)
    assert made[0] == "1 " and len(made) == len(set(made)) == 1 + 8 + 4
    assert made.index("11 sum_seed0") < made.index("11 cascade_seed1")
    cores = [int(call.split("cores ")[1].split(":")[0]) for call in toy_study.calls]
    all_cores = len(os.sched_getaffinity(0))
    share = max(1, all_cores // 2)
    assert cores[0] == min(2 * share, all_cores) and set(cores[1:]) == {share}


def test_what_is_made_is_not_made_again(toy_study):
    """The row is the truth: without it the test's results are read once more.

    It names the commit that the training began with.
    """
    words = ("--stop_stage", "2", "--runs", "easy/sum/0")
    code, printed = toy_study.run("--stop_stage", "1")
    assert code == 0 and stages(toy_study.calls) == ["1 "], printed
    assert toy_study.run(*words)[0] == 0
    made = toy_study.calls
    assert stages(made) == ["1 ", "11 sum_seed0", "12 sum_seed0"]
    code, printed = toy_study.run(*words)
    assert code == 0 and "1 runs are done, 0 are to do" in printed
    Path("report/results.tsv").unlink()
    run = runs_of("sum")[0]
    trained = run.folder / "trained.json"
    times = trained.stat()
    began = trained.read_text().replace('"Git hash": "', '"Git hash": "began-')
    trained.write_text(began)
    os.utime(trained, ns=(times.st_atime_ns, times.st_mtime_ns))
    code, printed = toy_study.run(*words)
    assert code == 0 and "WER 10.00 %" in printed
    assert toy_study.calls == made
    assert Results(Path("report")).rows()[run.key]["commit"].startswith("began-")


def test_a_changed_definition_is_run_again_and_the_old_row_stays(toy_study):
    for run in runs_of("remedy"):
        add_row(run, 20)
    toy_study.write(PLAN.replace("=null", "=dynamic"))
    code, printed = toy_study.run("--stop_stage", "2", "--runs", "remedy")
    assert code == 0, printed
    assert "0 runs are done, 2 are to do" in printed
    rows = Results(Path("report")).rows()
    assert len(rows) == 4
    assert {float(rows[run.key]["wer"]) for run in runs_of("remedy")} == {10}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--runs", "nothing"), "--runs nothing: finds none, e.g. easy/sum/0"),
        (("--runs", "("), "missing ), unterminated subpattern"),
        (("--plan", "plans/no.yaml"), "plans/no.yaml: cannot be read"),
        (("--jobs", "0"), "--jobs wants a whole number of 1 or more"),
        (("sum",), "'sum' is not an option"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(toy_study, words, message):
    code, printed = toy_study.run(*words)
    assert code in (1, 2)
    assert message in printed and printed.count("\n") == 1


def test_a_condition_without_a_training_tests_the_model_of_another(toy_study):
    """It is trained by whichever run comes first, and once."""
    toy_study.write(HARD)
    easy, hard = (r for r in runs_of("sum") if r.seed == 0)
    code, printed = toy_study.run("--stop_stage", "2", "--runs", "hard/sum/0")
    assert code == 0 and "hard/sum/0: WER 10.00 %" in printed
    code, printed = toy_study.run("--stop_stage", "2", "--runs", "/sum/0")
    assert code == 0 and "easy/sum/0: WER 10.00 %" in printed
    assert hard.training.key == easy.key != hard.key
    assert stages(toy_study.calls).count("11 sum_seed0") == 1
    assert stages(toy_study.calls).count("12 sum_seed0") == 2
    model = hard.folder / "valid.acc.ave.pth"
    assert model.resolve().is_relative_to(easy.folder.resolve())


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "SIGTERM in the background"])
def test_a_stopped_study_leaves_no_command_behind(toy_study, how):
    """What is started by nohup or & never ended: its jobs did not hear the signal."""
    words = ["--stop_stage", "2", "--jobs", "2"]
    deaf = how == "SIGTERM in the background"
    process = toy_study.start(*words, deaf=deaf, STUB_SECONDS="60")
    deadline = time.monotonic() + 60
    while len(toy_study.calls) < 3:  # the data and two trainings
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    trainings = [int(re.search(r"pid (\d+)", c)[1]) for c in toy_study.calls[1:]]
    assert all(is_running(pid) for pid in trainings)
    if how == "Ctrl-C":  # goes to the terminal's foreground process group
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert not any(is_running(pid) for pid in trainings)
    assert len(toy_study.calls) == 3
    assert not Results(Path("report")).rows()
    code, printed = toy_study.run("--stop_stage", "2", "--runs", "easy/sum/0")
    assert code == 0 and "WER 10.00 %" in printed


def test_commands_side_by_side_have_other_cores(toy_study):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this machine has one core")
    show = "import os; print(os.sched_getaffinity(0), flush=True); input()"
    command = [sys.executable, "-m", "study.cores", "1", sys.executable, "-c", show]
    env = {**toy_study.env, "PYTHONPATH": "."}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    both = [subprocess.Popen(command, env=env, text=True, **pipes) for _ in range(2)]
    cores = [process.stdout.readline() for process in both]
    for process in both:
        process.communicate("\n")
    assert "" not in cores and cores[0] != cores[1]
