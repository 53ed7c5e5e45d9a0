"""slurm.pl without a cluster: its options, and what it makes of Slurm's answers.

Stand-ins for sbatch, squeue, scancel and scontrol note their words. tests/cluster has
the rest.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TEMPLATE = Path("egs2/TEMPLATE/asr_with_enhancement")
# Runs the job's script for each number of the array, as a node would, if it may.
SBATCH = """\
import json, os, subprocess, sys, time
words = sys.argv[1:]
json.dump(words, open("sbatch.json", "w"))
print("42;cluster", flush=True)
behaviour = open("behaviour").read()
if behaviour == "wait":
    time.sleep(60)
if behaviour == "cancelled":
    sys.exit(0)
if behaviour == "returns early":
    comment = [word for word in words if word.startswith("--comment=")][0]
    open("queue", "w").write("42 " + comment.removeprefix("--comment="))
    sys.exit(0)
options = dict(word[2:].partition("=")[::2] for word in words if word[:2] == "--")
first, _, last = options.get("array", "0").partition("%")[0].partition("-")
codes = []
for n in range(int(first), int(last or first) + 1):
    name = options["output"].replace("%%", "\\0").replace("%a", str(n))
    with open(name.replace("\\0", "%"), "a") as log:
        env = {**os.environ, "SLURM_JOB_ID": "42", "SLURMD_NODENAME": "n"}
        if "array" in options:
            env |= {"SLURM_ARRAY_JOB_ID": "42", "SLURM_ARRAY_TASK_ID": str(n)}
        job = subprocess.run(["bash", words[-1]], stdout=log, stderr=log, env=env)
        codes.append(job.returncode)
sys.exit(max(codes))
"""
SCONTROL = """\
import sys
if sys.argv[1] == "show":
    print("JobId=42 JobName=x", *open("state").read().split(), sep="\\n   ")
if sys.argv[1] == "requeue":
    open("requeued", "a").write(" ".join(sys.argv[2:]) + "\\n")
"""
# Sends a signal to the job's script, or to all processes of the line, waits for one and
# takes its time to end.
STOPPABLE = """\
import os, signal, sys, time
def stop(number, frame):
    time.sleep(0.3)
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(75)
signal.signal(signal.Signals[sys.argv[2]], stop)
if sys.argv[1] == "none":
    os.killpg(0, signal.SIGTERM)
else:
    os.kill(os.getppid(), signal.Signals[sys.argv[1]])
while True:
    time.sleep(0.05)
"""
# What a job's line does: gets a signal through its script, and ends with a code.
USR1 = ("kill", "-USR1", "$PPID", ";")
TERM = ("kill", "-TERM", "$PPID", ";")
STAND_INS = {
    "sbatch": SBATCH,
    "squeue": "open('asked', 'a').write('.')\nprint(open('queue').read(), end='')\n",
    "scancel": "import sys\nopen('cancelled', 'w').write(' '.join(sys.argv[1:]))\n",
    "scontrol": SCONTROL,
}


@pytest.fixture
def folder(tmp_path, repo_root) -> Path:
    """A recipe folder with the conf/slurm.conf of the recipes."""
    folder = tmp_path / "50% recipe"
    (folder / "conf").mkdir(parents=True)
    conf = repo_root / TEMPLATE / "conf/slurm.conf"
    (folder / "conf/slurm.conf").write_text(conf.read_text())
    (folder / "queue").write_text("")
    (folder / "behaviour").write_text("run")
    (folder / "state").write_text("Restarts=0 JobState=RUNNING PreemptTime=None")
    return folder


@pytest.fixture
def start(repo_root, repo_env, tmp_path, folder):
    """Start slurm.pl with the words given."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in STAND_INS.items():
        (programs / name).write_text(f"#!{sys.executable}\n{text}")
        (programs / name).chmod(0o755)
    path = f"{programs}:{repo_env['PATH']}"

    def call(*words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [repo_root / TEMPLATE / "utils/slurm.pl", *words],
            cwd=folder,
            env={**repo_env, "PATH": path},
            stderr=subprocess.PIPE,
            text=True,
        )

    return call


@pytest.fixture
def run(start):
    """Run slurm.pl; return its exit code and what it printed."""

    def call(*words: str) -> tuple[int, str]:
        process = start(*words)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors

    return call


def submitted(folder: Path) -> list[str]:
    return json.loads((folder / "sbatch.json").read_text())


def test_the_options_become_those_of_sbatch(run, folder):
    options = ("--mem", "2G", "--num-threads", "3", "--num_nodes", "2", "--gpu", "0")
    assert run(*options, "exp/train.log", "true")[0] == 0
    words = submitted(folder)
    for word in ("--mem=2G", "--cpus-per-task=3", "--nodes=2", "--ntasks-per-node=1"):
        assert word in words
    assert "--partition=cpu" in words and "--job-name=train" in words
    assert f"--comment={folder}/exp/train.log" in words
    assert f"--output={folder}/exp/train.log".replace("50%", "50%%") in words
    assert not any(word.startswith("--array") for word in words)


def test_the_later_line_of_the_configuration_comes_last(run, folder):
    assert run("--gpu", "2", "--num-threads", "1", "--name", "x", "l", "true")[0] == 0
    words = submitted(folder)
    assert words.index("--cpus-per-task=4") > words.index("--cpus-per-task=1")
    assert words.index("--job-name=x") > words.index("--job-name=l")
    assert "--gres=gpu:2" in words and "--partition=cpu" not in words


def test_an_array_is_one_job_with_a_limit(run, folder):
    run("-tc", "2", "N=3:5", "--mem", "1G", "d.N/l.N", "echo", "is N", "a.N.b-N")
    assert "--array=3-5%2" in submitted(folder)
    for n in (3, 4, 5):
        lines = (folder / f"d.{n}/l.{n}").read_text().splitlines()
        assert lines[0] == f'# echo "is {n}" a.{n}.b-{n}'
        assert lines[1].startswith("# Submitted at ")
        assert lines[2].startswith("# Started at ") and lines[3] == "#"
        assert lines[4] == f"is {n} a.{n}.b-{n}"
        assert lines[5].startswith("# Accounting: time=")
        assert lines[6].startswith("# Ended (code 0) at ")


def test_the_job_runs_in_the_folder_after_its_path_sh(run, folder):
    (folder / "path.sh").write_text("value='from path.sh'; export value\n")
    run("x.log", "pwd; echo  is $value")
    run("x.log", "pwd", ";", "echo", "$value")
    lines = (folder / "x.log").read_text().splitlines()
    assert lines[4:6] == [str(folder), "from path.sh"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--color", "red", "x.log", "true"), "--color red is not described in conf/"),
        (("--config", "no.conf", "x.log", "true"), "there is no no.conf"),
        (("--config", "bad.conf", "x.log", "true"), "bad.conf:2: want command, option"),
        (("--config", "quote.conf", "x.log", "true"), "quote.conf:1: No closing quot"),
        (("--config", "queue", "x.log", "true"), "there is no line 'command sbatch"),
        (("--config", "other.conf", "x.log", "true"), "wants a machine from which"),
        (("--max-jobs-run", "0", "x.log", "true"), "want whole numbers"),
        (("JOB=1:2", "x.log", "true"), "lacks JOB"),
        (("JOB=1:2", "JOB\\x.log", "true"), "no log with a backslash"),
    ],
)
def test_a_call_that_cannot_be_run_is_told_in_one_line(run, folder, words, reason):
    (folder / "bad.conf").write_text("command sbatch # as usual\noption mem --mem=$0\n")
    (folder / "quote.conf").write_text("command 'sbatch\n")
    (folder / "other.conf").write_text("command no_such_sbatch\n")
    code, errors = run(*words)
    assert code == 1
    assert reason in errors and len(errors.splitlines()) == 1
    assert not (folder / "sbatch.json").exists()


def test_a_value_stays_one_word_of_sbatch(run, folder):
    run("--mem", "1G $(touch pwned); --x", "x.log", "true")
    assert "--mem=1G $(touch pwned); --x" in submitted(folder)
    assert not (folder / "pwned").exists()


def test_failed_jobs_are_named_and_the_words_of_the_first_shown(run):
    words = ("JOB=1:3", "l.JOB", "echo", "why JOB", "&&", "[", "JOB", "=", "2", "]")
    code, errors = run(*words)
    assert code == 1
    assert "2 of 3 jobs failed: l.1 l.3" in errors
    assert "why 1" in errors and "why 2" not in errors


def test_jobs_that_never_ended_have_failed_whatever_sbatch_says(run, folder):
    (folder / "x.log").write_text("# Ended (code 0) at some time, long ago\n")
    (folder / "behaviour").write_text("cancelled")
    code, errors = run("x.log", "true")
    assert code == 1 and "1 of 1 jobs failed: x.log" in errors


def test_a_log_that_was_moved_away_is_judged_by_sbatch(run, folder):
    assert run("x.log", "mv", "x.log", "y.log")[0] == 0
    code, errors = run("x.log", "mv", "x.log", "y.log;", "false")
    assert code == 1 and "the job of x.log has failed (1)" in errors


def test_a_log_that_a_job_writes_is_refused_with_the_jobs_id(run, folder):
    (folder / "l.1").write_text("of the running job")
    (folder / "queue").write_text(f"7 {folder}/l.JOBS\n8 {folder}/l.JOB\n9 (null)\n")
    code, errors = run("JOB=1:2", "./l.JOB", "true")
    assert code == 1
    assert f"job 8 of yours writes {folder}/l.JOB already" in errors
    assert "scancel 8" in errors
    assert (folder / "l.1").read_text() == "of the running job"
    assert not (folder / "sbatch.json").exists()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_job(start, folder, kind):
    (folder / "behaviour").write_text("wait")
    process = start("x.log", "true")
    assert process.stderr.readline() == f"slurm.pl: job 42: {folder}/x.log\n"
    (folder / "queue").write_text(f"42 {folder}/x.log\n43 {folder}/y.log\n")
    process.send_signal(kind)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + kind
    assert "interrupted" in errors and "Traceback" not in errors
    assert (folder / "cancelled").read_text() == "42"


@pytest.mark.slow
def test_the_command_gets_usr1_for_either_signal_where_it_asks_for_it(run, folder):
    (folder / "job.py").write_text(STOPPABLE)
    for name in ("SIGUSR1", "SIGTERM"):
        run("x.log", "exec", "python3", "job.py", name, "SIGUSR1")
        text = (folder / "x.log").read_text()
        assert "got SIGUSR1" in text and f"({name}; code 75), requeued" in text


def test_a_command_that_does_not_ask_for_usr1_does_not_notice_it(run, folder):
    assert run("x.log", *USR1, "sleep", "0.2", "&&", "echo", "whole")[0] == 0
    assert "whole" in (folder / "x.log").read_text()
    assert not (folder / "requeued").exists()


def test_the_jobs_shell_outlives_a_program_that_term_stops(run, folder):
    """Slurm sends TERM to all processes; what the program writes then is waited for."""
    (folder / "job.py").write_text(STOPPABLE)
    (folder / "state").write_text("Restarts=0 JobState=COMPLETING")
    run("x.log", "python3", "job.py", "none", "SIGTERM", "&&", "true", ";", "echo", "2")
    text = (folder / "x.log").read_text()
    assert "got SIGTERM" in text and "# Ended (code 75) at " in text
    assert "\n2\n" not in text


@pytest.mark.parametrize(
    ("words", "state", "asks"),
    [
        ((*USR1, "exit", "75"), "Restarts=0 JobState=RUNNING PreemptTime=None", True),
        ((*TERM, "exit", "75"), "Restarts=0 JobState=RUNNING PreemptTime=None", True),
        # Its limit is soft: what dies of TERM in the grace time begins anew.
        ((*TERM, "exit", "143"), "Restarts=0 JobState=RUNNING PreemptTime=None", True),
        # No signal: a command that ends so again and again would run for ever.
        (("exit", "75"), "Restarts=0 JobState=RUNNING PreemptTime=None", False),
        # A failure of its own.
        ((*USR1, "exit", "1"), "Restarts=0 JobState=RUNNING PreemptTime=None", False),
        # Cancelled by the user.
        ((*TERM, "exit", "75"), "Restarts=0 JobState=COMPLETING", False),
        # Preempted, PreemptMode=CANCEL.
        (
            (*TERM, "exit", "75"),
            "Restarts=0 JobState=COMPLETING PreemptTime=2030-01-01T00:00:00",
            True,
        ),
        # In the grace time the tasks of srun are told, not the script.
        (
            ("exit", "75"),
            "Restarts=0 JobState=RUNNING PreemptTime=2030-01-01T00:00:00",
            True,
        ),
    ],
)
def test_the_job_asks_to_be_requeued_only_if_a_signal_stopped_it(
    run, folder, words, state, asks
):
    (folder / "state").write_text(state)
    assert run("x.log", *words)[0] == 1
    last = (folder / "x.log").read_text().splitlines()[-1]
    assert (folder / "requeued").exists() == asks
    assert last.startswith("# Stopped by a signal (" if asks else "# Ended (code ")
    assert (", requeued" in last) == asks


def test_a_job_that_slurm_has_requeued_does_not_ask_for_it(run, folder):
    (folder / "state").write_text("Restarts=1 JobState=COMPLETING")
    run("x.log", "exit", "1")
    assert ", requeued" in (folder / "x.log").read_text()
    assert not (folder / "requeued").exists()


def test_of_an_array_only_the_stopped_member_is_requeued(run, folder):
    run("JOB=2:4", "l.JOB", *USR1, "[", "JOB", "!=", "3", "]", "||", "exit", "75")
    assert (folder / "requeued").read_text() == "42_3\n"
    assert "requeued" in (folder / "l.3").read_text()
    assert "# Ended (code 0)" in (folder / "l.2").read_text()


@pytest.mark.slow
def test_sbatch_that_returns_before_the_jobs_end_is_made_up_for(start, folder):
    """It does so for a cancelled job that is being ended."""
    (folder / "behaviour").write_text("returns early")
    process = start("x.log", "true")
    asked = folder / "asked"
    deadline = time.monotonic() + 30
    while not asked.exists() or len(asked.read_text()) < 3:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    with (folder / "x.log").open("a") as log:
        log.write("# Ended (code 0) at last\n")
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_cmd_sh_chooses_the_back_end_by_one_variable(repo_root, repo_env):
    def commands(backend: str) -> subprocess.CompletedProcess:
        script = f"cmd_backend={backend}; . ./cmd.sh; echo $train_cmd"
        path = f"{repo_root / TEMPLATE / 'utils'}:{repo_env['PATH']}"
        return subprocess.run(
            ["bash", "-c", script],
            cwd=repo_root / TEMPLATE,
            env={**repo_env, "PATH": path},
            capture_output=True,
            text=True,
        )

    assert commands("").stdout.split() == ["run.pl"]
    assert commands("slurm").stdout.split()[0] == "slurm.pl"
    assert "cmd_backend=sge wants Kaldi's queue.pl" in commands("sge").stderr
    unknown = commands("lsf")
    assert unknown.returncode == 1
    assert "want local, slurm, sge or pbs" in unknown.stderr
