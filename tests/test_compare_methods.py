"""The comparison of methods: what is to do, what is kept, what the summary says."""

import functools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

LOCAL = "egs2/mini_radio/asr_with_enhancement/local"
CONF = """\
base_config: base.yaml
decode_config: decode.yaml
baseline: sum
seeds: [0, 1]
start: ""
common_args: "--max_epoch 2"
conditions:
    easy: {corpus: "--num_test 3", recipe: "--nbpe 40"}
methods:
    sum: "--gradient_method sum"
    remedy: "--gradient_method remedy --gradient_conf max_stretch=null"
    cascade: {first: "--enh_weight 1", args: "--freeze_param enh_model"}
"""


HARD = CONF.replace(
    "methods:", '    hard: {corpus: "--num_test 5", trained_on: easy}\nmethods:'
)


@pytest.fixture
def recipe(tmp_path, monkeypatch) -> Path:
    """A recipe folder with a plan; the current folder."""
    folder = tmp_path / "my recipe"
    folder.mkdir()
    (folder / "base.yaml").write_text("batch_size: 8\n")
    (folder / "decode.yaml").write_text("beam_size: 5\n")
    (folder / "compare.yaml").write_text(CONF)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def load(import_script):
    """Load a module of the comparison by the end of its name."""
    return lambda name: import_script(f"{LOCAL}/compare_{name}.py")


@pytest.fixture
def plan(recipe, load):
    return load("yaml").read_plan(Path("compare.yaml"))


def add(results, run, wer, words, **figures):
    row = dict(zip(("condition", "method", "seed", "definition"), run.key, strict=True))
    row |= {"commit": "abc", "machine": "m", "cnr": "6..14", "wer": str(wer)}
    results.add(row | {k: str(v) for k, v in figures.items()}, words)


@pytest.fixture
def results(plan, load):
    """sum: 20 and 30 % WER of ten words; remedy: 10 and 20 %; no cascade."""
    results = load("results").Results(Path())
    words = {
        ("sum", 0): (20, [(1, 5), (1, 3), (0, 2)]),
        ("sum", 1): (30, [(1, 5), (1, 3), (1, 2)]),
        ("remedy", 0): (10, [(0, 5), (1, 3), (0, 2)]),
        ("remedy", 1): (20, [(0, 5), (1, 3), (1, 2)]),
    }
    for run in plan.runs:
        if (run.name, run.seed) in words:
            add(results, run, *words[run.name, run.seed], si_snr=run.seed + 4)
    return results


def run_driver(env, repo_root, *words: str) -> subprocess.CompletedProcess:
    script = repo_root / LOCAL / "compare_runs.py"
    command = [sys.executable, str(script), "--conf", "compare.yaml", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_means_spread_and_relative_change_worked_by_hand(plan, results, load):
    statistics = load("statistics")
    items = statistics.summarize(plan, results.rows(), results.words())["easy"]
    base, remedy = items
    assert [item.method for item in items] == ["sum", "remedy"]
    assert base.mean["wer"] == 25 and remedy.mean["wer"] == 15
    assert remedy.std["wer"] == pytest.approx(50**0.5)
    assert remedy.change == pytest.approx(-40)
    assert remedy.mean["si_snr"] == 4.5
    assert np.isnan(base.change) and np.isnan(base.p_value)
    assert np.isnan(remedy.mean["pesq"])


def test_one_seed_has_neither_spread_nor_significance(plan, results, load):
    """Its p-value would speak of one model, not of the method.

    It is compared with the same seed: the mean over another seed, of 25 % in place of
    20 %, would have made it look better than it is.
    """
    statistics = load("statistics")
    rows = {k: v for k, v in results.rows().items() if k[1:3] != ("remedy", "1")}
    remedy = statistics.summarize(plan, rows, results.words())["easy"][1]
    assert np.isnan(remedy.std["wer"]) and np.isnan(remedy.p_value)
    assert remedy.change == pytest.approx(-50)


def test_the_table_and_the_picture_show_them(recipe, results, repo_root, repo_env):
    command = [sys.executable, str(repo_root / LOCAL / "compare_summary.py")]
    command += ["--conf", "compare.yaml"]
    done = subprocess.run(command, env=repo_env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = (recipe / "RESULTS_compare.md").read_text()
    assert "|sum|25.00|7.07|20.00, 30.00|-|-|" in text
    assert "|remedy|15.00|7.07|10.00, 20.00|-40.0|" in text
    assert "runs: 4 of 6" in text and "against `sum`" in text
    assert (recipe / "images_compare.png").read_bytes().startswith(b"\x89PNG")


def test_methods_scored_on_other_utterances_are_refused(plan, results, load):
    run = next(r for r in plan.runs if r.key[1:3] == ("remedy", "0"))
    add(results, run, 10, [(0, 4), (1, 4), (0, 2)])
    with pytest.raises(ValueError, match="other test utterances"):
        load("statistics").summarize(plan, results.rows(), results.words())


def test_a_definition_depends_on_what_defines_a_run_alone(recipe, plan, load):
    def definitions():
        runs = load("yaml").read_plan(Path("compare.yaml")).runs
        return {run.label: run.definition for run in runs}

    before = definitions()
    (recipe / "base.yaml").write_text("# a comment\nbatch_size:  8\n")
    spaced = CONF.replace("--gradient_method sum", "--gradient_method  sum")
    (recipe / "compare.yaml").write_text(spaced)
    assert definitions() == before
    (recipe / "compare.yaml").write_text(CONF.replace("=null", "=dynamic"))
    after = definitions()
    changed = {label for label in before if after[label] != before[label]}
    assert changed == {"easy/remedy/0", "easy/remedy/1"}
    for old, new in (("num_test 3", "num_test 4"), ("max_epoch 2", "max_epoch 3")):
        (recipe / "compare.yaml").write_text(CONF.replace(old, new))
        assert not set(definitions().values()) & set(before.values())
    (recipe / "compare.yaml").write_text(CONF)
    (recipe / "decode.yaml").write_text("beam_size: 6\n")
    assert not set(definitions().values()) & set(before.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("baseline: sum", "baseline: none", "baseline: 'none': is not in methods"),
        ("seeds: [0, 1]", "seeds: [a]", "seeds: 'a': expected a whole number"),
        ("seeds: [0, 1]", "", "seeds: is missing"),
        ("seeds:", "seed: 1\nseeds:", "seed: is not a key"),
        ("{first: ", "{second: ", "expected the keys args or args, first or asr_alone"),
        ("    remedy:", "    re/medy:", "a name has letters"),
        ("base.yaml", "none.yaml", "none.yaml: cannot be read"),
        ("trained_on: easy", "trained_on: mild", "'mild': expected a condition above"),
        ("trained_on: easy", "trained_on: hard", "'hard': expected a condition above"),
    ],
)
def test_a_wrong_plan_is_told(recipe, load, old, new, message):
    (recipe / "compare.yaml").write_text(HARD.replace(old, new))
    with pytest.raises(ValueError, match=message):
        load("yaml").read_plan(Path("compare.yaml"))


def test_what_methods_start_from_is_trained_once(recipe, load, parts):
    """It depends on its own flags alone; the run that comes first trains it."""
    more = 'joint: {first: "--enh_weight 1", args: ""}\n    cascade: {'
    conf = HARD.replace('""', '"--max_epoch 9"').replace("cascade: {", more)
    (recipe / "compare.yaml").write_text(conf)
    plan = load("yaml").read_plan(Path("compare.yaml"))
    assert len({run.trainings[0].key for run in plan.runs}) == 1
    (recipe / "compare.yaml").write_text(conf.replace("epoch 2", "epoch 3"))
    other = load("yaml").read_plan(Path("compare.yaml"))
    assert {run.trainings[0].key for run in other.runs} == {plan.runs[0].start.key}
    assert not {run.key for run in other.runs} & {run.key for run in plan.runs}

    runs, commands, results = parts
    easy = {run.name: run for run in plan.runs if run.label == f"easy/{run.name}/1"}
    for run in easy.values():
        runs.prepare([run], commands)
        if run.name != "remedy":
            runs.make_run(run, commands, results)
    logs = run.condition.folder / "log"
    (start,) = logs.glob("start_*")
    model = f"{easy['sum'].start.experiment}/valid.acc.ave.pth::s2t_model"
    assert start.read_text().count("--max_epoch 9 --seed 0") == 1
    assert f"--init_param {model} --seed 1" in next(logs.glob("sum*11.log")).read_text()
    (first,) = logs.glob("first_*")
    assert first.read_text().count(f"--enh_weight 1 --init_param {model} --seed 1") == 1
    for name in ("cascade", "joint"):
        (second,) = (path.read_text() for path in logs.glob(f"{name}*.stage11.log"))
        model = f"{easy[name].start.experiment}/valid.loss.ave.pth --seed 1"
        assert easy[name].start.name == "first" and f"--init_param {model}" in second


def test_a_test_of_other_models_depends_on_their_training_too(recipe, load):
    def definition(conf):
        (recipe / "compare.yaml").write_text(conf)
        runs = load("yaml").read_plan(Path("compare.yaml")).runs
        return next(run.definition for run in runs if run.label == "hard/sum/0")

    changes = (("num_test 3", "num_test 4"), ("num_test 5", "num_test 6"))
    found = [definition(HARD.replace(*change)) for change in changes]
    assert len({definition(HARD), *found}) == 3


def test_dry_run_lists_what_has_no_row(recipe, results, repo_root, repo_env):
    done = run_driver(repo_env, repo_root, "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "4 runs are done, 2 are to do" in done.stdout
    labels = [line for line in done.stdout.splitlines() if line.startswith("easy/")]
    assert labels == ["easy/cascade/0", "easy/cascade/1"]
    assert not (recipe / "exp/compare").exists()
    lines = [line for line in done.stdout.splitlines() if "nice run.pl" in line]
    assert "--stop_stage 11" in lines[0] and "--enh_weight 1 --seed 0" in lines[0]
    assert "--init_param exp/first_seed0_" in lines[1]
    assert "/valid.loss.ave.pth:enh_model:enh_model" in lines[1]
    assert "--freeze_param enh_model --init" in lines[1] and "--nbpe 40" in lines[1]


def test_a_changed_definition_is_run_again_and_the_old_row_stays(
    recipe, results, repo_root, repo_env, load
):
    (recipe / "compare.yaml").write_text(CONF.replace("=null", "=dynamic"))
    done = run_driver(repo_env, repo_root, "--dry_run", "--runs", "remedy")
    assert "0 runs are done, 2 are to do" in done.stdout
    new_plan = load("yaml").read_plan(Path("compare.yaml"))
    run = next(r for r in new_plan.runs if r.key[1:3] == ("remedy", "1"))
    add(results, run, 50, [(5, 5), (0, 3), (0, 2)])
    assert len(results.rows()) == 5
    items = load("statistics").summarize(new_plan, results.rows(), results.words())
    assert items["easy"][1].mean["wer"] == 50


def test_an_expression_that_finds_nothing_is_told(recipe, repo_root, repo_env):
    done = run_driver(repo_env, repo_root, "--runs", "nothing")
    assert done.returncode == 2
    assert "--runs nothing: finds none, e.g. easy/sum/0" in done.stderr


def test_columns_that_other_versions_wrote_are_kept(plan, results):
    path = results.rows_path
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{x}\t{y}\n" for x, y in zip(lines, "nabcd", strict=True)))
    add(results, plan.runs[-1], 1, [(0, 5)])
    rows = list(results.rows().values())
    assert [row["n"] for row in rows] == ["a", "b", "c", "d", "nan"]


def test_a_torn_row_is_told_with_its_line(results):
    with results.rows_path.open("a") as file:
        file.write("easy\tsum\n")
    with pytest.raises(ValueError, match=r"results.tsv:6: has not as many fields"):
        results.rows()


STARTER = """\
import pathlib, sys
log, words = pathlib.Path(sys.argv[1]), sys.argv[2:]
log.parent.mkdir(parents=True, exist_ok=True)
with log.open("a") as file:
    file.write(f"# {' '.join(words)}\\nwhat went wrong\\n")
pathlib.Path("dump/raw/test").mkdir(parents=True, exist_ok=True)
option = "--exp" if "--exp" in words else "--enh_asr_exp"
if "train" in words or words[words.index("--stage") + 1] == "11":
    exp = pathlib.Path(words[words.index(option) + 1])
    exp.mkdir(parents=True, exist_ok=True)
    (exp / "valid.acc.ave.pth").write_text(log.name)
sys.exit("remedy" in " ".join(words))
"""


@pytest.fixture
def parts(plan, load, recipe, monkeypatch):
    """Driver, commands started by a stub that fails for remedy, empty tables."""
    (recipe / "stub.py").write_text(STARTER)
    runs = load("runs")
    starter = [sys.executable, str(recipe / "stub.py")]
    made = runs.Commands(plan, runs.Machine(starter, 2, 0))
    row = {"wer": "10", "si_snr": "5"}

    def describe():
        """Say another commit as soon as a training has written a log."""
        return {"Git hash": "later" if list(recipe.glob("**/log/sum*")) else "began"}

    def collect(run, folder, config, environment):
        names = ("condition", "method", "seed", "definition")
        found = {**row, "commit": environment["Git hash"]}
        return {**found, **dict(zip(names, run.key, strict=True))}, [(1, 10)]

    monkeypatch.setattr(runs, "describe_environment", describe)
    monkeypatch.setattr(runs, "collect_row", collect)
    return runs, made, runs.Results(Path())


def test_a_failing_run_shows_its_log_and_leaves_the_others(plan, parts, capsys):
    runs, commands, results = parts
    assert runs.prepare(plan.runs, commands) == []
    make = functools.partial(runs.make_run, commands=commands, results=results)
    cores = commands.machine.cores_of_workers()
    failed = runs.make_all(plan.runs, make, 2, cores)
    assert sorted(failed) == ["easy/remedy/0", "easy/remedy/1"]
    assert {key[1] for key in results.rows()} == {"sum", "cascade"}
    assert len(results.words()) == 4
    printed = capsys.readouterr().out
    assert "[6/6]" in printed and printed.count("WER 10.00 %") == 4
    assert printed.count("    what went wrong") == 2
    assert all(len(share) == 1 for share in cores)


def test_data_are_made_once_and_a_run_made_elsewhere_is_left_out(plan, parts):
    runs, commands, results = parts
    run = plan.runs[0]
    runs.prepare([run], commands)
    log = run.condition.folder / "log/data.log"
    log.unlink()
    runs.prepare([run], commands)
    assert not log.exists()
    lock = run.condition.folder / f"{run.experiment}.lock"
    with runs.locked(lock):
        assert "another process" in runs.make_run(run, commands, results)
    assert run.key not in results.rows()
    runs.make_run(run, commands, results)
    assert results.rows()[run.key]["commit"] == "began"
    assert "was made" in runs.make_run(run, commands, results)


def test_a_condition_without_a_training_tests_the_model_of_another(recipe, parts, load):
    """It is trained by whichever run comes first, and once."""
    (recipe / "compare.yaml").write_text(HARD)
    plan = load("yaml").read_plan(Path("compare.yaml"))
    easy, hard = (
        next(run for run in plan.runs if run.label == f"{name}/sum/0")
        for name in ("easy", "hard")
    )
    runs, commands, results = parts
    assert runs.prepare([hard], commands) == []
    for run in (hard, easy):
        assert "WER 10.00 %" in runs.make_run(run, commands, results)
    assert hard.training.key == easy.key != hard.key
    (log,) = recipe.glob("**/log/sum*.stage11.log")
    assert log.read_text().count("--stage 11") == 1
    model = hard.condition.folder / hard.experiment / "valid.acc.ave.pth"
    assert model.resolve().is_relative_to(easy.condition.folder.resolve())
    logs = [f"{run.condition.folder}/log" for run in (easy, hard)]
    assert all(len(list(Path(log).glob("sum*.stage12.log"))) == 1 for log in logs)


def test_runs_share_the_audio_but_not_the_scores(tmp_path, load):
    raw = tmp_path / "dump/raw"
    for name in ("train", "test/scoring"):
        (raw / name).mkdir(parents=True)
    (raw / "test/wav.scp").write_text("a b\n")
    (raw / "lm_dev.txt").write_text("stage 11 looks for it\n")
    (raw / ".test.lock").touch()  # stage 15 would hold it against the other runs
    own = tmp_path / "exp/sum/dump"
    load("folders").link_dump(raw.parent, own)
    load("folders").link_dump(raw.parent, own)
    assert (own / "raw/test/wav.scp").read_text() == "a b\n"
    assert (own / "raw/train").resolve() == raw / "train"
    assert (own / "raw/lm_dev.txt").read_text() == "stage 11 looks for it\n"
    assert not (own / "raw/test/scoring").exists()
    assert not (own / "raw/.test.lock").exists()


def test_a_stopped_driver_leaves_no_command_behind(plan, load, tmp_path):
    commands = load("commands")
    script = tmp_path / "wait.sh"
    script.write_text('echo $$ > "$1"; exec sleep 60\n')
    made = commands.Commands(plan, commands.Machine(["bash", str(script)], 1, 0))
    log = tmp_path / "pid"
    failures = []

    def run():
        try:
            with (tmp_path / "lock").open("w") as lock:
                made.run(["nice", "bash", str(script), str(log)], tmp_path, lock)
        except commands.CommandError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    while not log.exists() or not log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    made.stop()
    thread.join(30)
    assert len(failures) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text()), 0)
