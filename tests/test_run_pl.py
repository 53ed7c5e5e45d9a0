"""run.pl: the contract of Kaldi's script of that name."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

RUN_PL = "egs2/TEMPLATE/asr_with_enhancement/utils/run.pl"


@pytest.fixture
def command(repo_root) -> str:
    return str(repo_root / RUN_PL)


@pytest.fixture
def run(command, repo_env, tmp_path):
    """Run run.pl in tmp_path with the words given."""

    def call(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [command, *words],
            capture_output=True,
            text=True,
            env=repo_env,
            cwd=tmp_path,
            timeout=60,
        )

    return call


def test_the_log_has_header_output_and_footer(run, tmp_path):
    assert run("new dir/x.log", "echo", "hello").returncode == 0
    lines = (tmp_path / "new dir/x.log").read_text().splitlines()
    assert lines[0] == "# echo hello"
    assert lines[1].startswith("# Started at ")
    assert lines[2:4] == ["#", "hello"]
    assert lines[4].startswith("# Accounting: time=")
    assert lines[5].startswith("# Ended (code 0) at ")
    assert lines[5].endswith(" seconds") and "elapsed time" in lines[5]


def test_both_streams_go_to_the_log(run, tmp_path):
    run("x.log", "echo out; echo err >&2")
    assert "echo out" in (tmp_path / "x.log").read_text().splitlines()[0]
    run("y.log", "echo", "out", ";", "echo", "err", ">&2")
    assert (tmp_path / "y.log").read_text().splitlines()[3:5] == ["out", "err"]


def test_an_array_puts_the_number_into_log_and_words(run, tmp_path):
    done = run("--mem", "2G", "JOB=2:4", "--gpu", "0", "l.JOB", "echo", "a.JOB.b-JOB")
    assert done.returncode == 0
    for n in (2, 3, 4):
        assert f"a.{n}.b-{n}" in (tmp_path / f"l.{n}").read_text()
    assert not (tmp_path / "l.1").exists()


def test_any_name_and_a_single_number_will_do(run, tmp_path):
    assert run("n=7", "l.n.log", "echo", "x").returncode == 0
    assert (tmp_path / "l.7.log").exists() or (tmp_path / "l.7.log7").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("JOB=1:2", "one.log", "true"), "lacks JOB"),
        (("JOB=0:2", "JOB.log", "true"), "must start at 1"),
        (("JOB=3:2", "JOB.log", "true"), "must start at 1 or more and rise"),
        (("only.log",), "want a log file and a command"),
        (("--mem",), "wants a value"),
        (("--max-jobs-run", "no", "x.log", "true"), "want whole numbers"),
        (("--max-jobs-run", "0", "x.log", "true"), "want whole numbers"),
        (("--pick", "some", "x.log", "true"), "want all, failed or incomplete"),
    ],
)
def test_a_bad_command_line_is_told_in_one_line(run, words, reason):
    done = run(*words)
    assert done.returncode == 1
    assert reason in done.stderr and len(done.stderr.splitlines()) == 1


def test_failed_jobs_are_named_and_their_words_shown(run):
    done = run(
        "JOB=1:3", "l.JOB.log", "echo", "why JOB", "&&", "[", "JOB", "=", "2", "]"
    )
    assert done.returncode == 1
    assert "2 of 3 jobs failed: l.1.log l.3.log" in done.stderr
    assert "why 1" in done.stderr and "why 2" not in done.stderr


def test_words_are_quoted_as_kaldi_does(import_script):
    shell_line = import_script(Path(RUN_PL).with_name("job_contract.py")).shell_line
    assert shell_line(["a", "b c", "", 'd "e"', "|", "\\|"]) == (
        'a "b c" "" \'d "e"\' | \\|'
    )


def test_bare_words_act_as_shell_syntax(run, tmp_path):
    run("x.log", "echo", "b", "|", "tr", "b", "c", ">", "out.txt")
    assert (tmp_path / "out.txt").read_text() == "c\n"


def test_no_more_jobs_run_at_a_time_than_allowed(run, tmp_path):
    script = "echo s >> log; sleep 0.2; echo e >> log"
    (tmp_path / "job.sh").write_text(script)
    run("--max-jobs-run", "1", "JOB=1:3", "l.JOB", "bash", "job.sh")
    assert (tmp_path / "log").read_text().split() == ["s", "e"] * 3


def test_pick_runs_only_what_its_name_says(run, tmp_path):
    (tmp_path / "l.1").write_text("#\n# Ended (code 0) at x, elapsed time 1 seconds\n")
    (tmp_path / "l.2").write_text("#\n# Ended (code 1) at x, elapsed time 1 seconds\n")
    (tmp_path / "l.3").write_text("# begun\n")
    words = ("JOB=1:4", "l.JOB", "touch", "ran.JOB")
    run("--pick", "failed", *words)
    assert sorted(p.name for p in tmp_path.glob("ran.*")) == ["ran.2", "ran.3"]
    run("--pick", "incomplete", *words)
    assert sorted(p.name for p in tmp_path.glob("ran.*")) == ["ran.2", "ran.3", "ran.4"]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().split()[2]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_children_of_the_jobs_too(
    command, repo_env, tmp_path, kind
):
    script = "sleep 60 & echo $! > child.pid; wait"
    (tmp_path / "job.sh").write_text(script)
    process = subprocess.Popen(
        [command, "x.log", "bash", "job.sh"],
        cwd=tmp_path,
        env=repo_env,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.time() + 20
    while (
        not (tmp_path / "child.pid").exists()
        or not (tmp_path / "child.pid").read_text()
    ):
        assert time.time() < deadline
        time.sleep(0.05)
    child = int((tmp_path / "child.pid").read_text())
    process.send_signal(kind)
    _, errors = process.communicate(timeout=20)
    assert process.returncode not in (0, None)
    assert "interrupted" in errors and "Traceback" not in errors
    assert not is_alive(child)
