"""slurm.pl on a real Slurm, with the conf/slurm.conf of the recipes."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from one_machine_slurm import output, wait_for

pytestmark = pytest.mark.slow

TEMPLATE = Path("egs2/TEMPLATE/asr_with_enhancement")


def test_an_array_with_a_failing_member_fails_and_names_its_log(start, folder):
    words = ("JOB=2:4", "new dir/l.JOB.log", "echo", "I am JOB")
    process = start(*words, "&&", "[", "JOB", "-ne", "3", "]")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "1 of 3 jobs failed: new dir/l.3.log" in errors and "I am 3" in errors
    for n in (2, 3, 4):
        log = folder / f"new dir/l.{n}.log"
        assert output(log) == [f"I am {n}"]
        lines = log.read_text().splitlines()
        assert lines[0] == f'# echo "I am {n}" && [ {n} -ne 3 ]'
        assert lines[2].startswith("# Started at ")
        assert lines[-1].startswith(f"# Ended (code {int(n == 3)}) at ")


def test_words_reach_the_job_as_they_reach_one_of_run_pl(start, folder):
    words = ["b ; touch pwned", 'c "d" $(touch pwned)', "it's JOB", "", "'e;$f'"]
    words += ["%a $0", "back\\slash x", "*  ?", "é | ü", "\\;", "g\\ h"]
    (folder / "show.py").write_text("import sys\nprint(sys.argv[1:])\n")
    command = ["python3", "show.py", *words]
    logs = []
    for program in ("run.pl", "slurm.pl"):
        log = f"{program} 100% JOB $(touch pwned).log"
        process = start("JOB=1:1", log, *command, program=program)
        process.communicate(timeout=60)
        assert process.returncode == 0
        logs.append(output(folder / log.replace("JOB", "1")))
    assert logs[0] == logs[1]
    assert "it's 1" in logs[0][0] and "'*  ?', 'é | ü', ';'" in logs[0][0]
    assert not list(folder.parent.rglob("pwned"))


def test_no_more_run_at_a_time_than_allowed(start, folder):
    (folder / "job.sh").write_text("echo s >> log; sleep 0.3; echo e >> log")
    process = start("--max-jobs-run", "1", "JOB=1:3", "l.JOB", "bash", "job.sh")
    process.communicate(timeout=60)
    assert (folder / "log").read_text().split() == ["s", "e"] * 3


def test_the_end_of_the_launchers_process_group_cancels_the_job(
    cluster, repo_root, folder
):
    """So the recipe ends a training on Ctrl-C."""
    slurm_pl = str(repo_root / TEMPLATE / "utils/slurm.pl")
    launch = [sys.executable, "-m", "espnet2.bin.launch", "--ngpu", "0"]
    launch += ["--cmd", shlex.quote(slurm_pl), "--log", "train.log", "--", "sleep"]
    process = subprocess.Popen(
        [*launch, "60;", "true"],
        cwd=folder,
        env=cluster.env,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: "RUNNING" in cluster.ask("squeue", "--format=%T"))
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=20)
    wait_for(lambda: not cluster.jobs())


def test_a_gpu_is_asked_for_in_the_partition_that_has_them(start, folder):
    names = ("SLURM_JOB_PARTITION", "CUDA_VISIBLE_DEVICES", "SLURM_CPUS_PER_TASK")
    process = start("--gpu", "1", "x.log", "echo", *(f"${name}" for name in names))
    process.communicate(timeout=60)
    assert output(folder / "x.log") == ["gpu 0 4"]


def test_a_running_log_is_refused_and_an_interrupt_cancels_its_job(
    cluster, start, folder
):
    log = folder / "l.1.log"
    first = start("JOB=1:2", "l.JOB.log", "echo", "begun", "&&", "sleep", "60")
    wait_for(lambda: log.exists() and output(log) == ["begun"])
    job = cluster.ask("squeue", "--noheader", "--format=%F").split()[0]
    second = start("JOB=1:2", "l.JOB.log", "echo", "again")
    _, errors = second.communicate(timeout=20)
    assert second.returncode == 1
    assert f"job {job} of yours writes {folder}/l.JOB.log already" in errors
    assert output(log) == ["begun"]
    first.send_signal(signal.SIGTERM)
    _, errors = first.communicate(timeout=20)
    assert first.returncode == 128 + signal.SIGTERM
    assert "interrupted" in errors and "Traceback" not in errors
    wait_for(lambda: not cluster.jobs())
    assert "# Ended (code 143) at " in log.read_text()


def test_a_job_cancelled_before_it_starts_has_failed(cluster, start, folder):
    """sbatch --wait returns 0 for it."""
    (folder / "later.conf").write_text("command sbatch --begin=now+1000\n")
    process = start("--config", "later.conf", "x.log", "true")
    wait_for(cluster.jobs)
    cluster.ask("scancel", "--me")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "1 of 1 jobs failed: x.log" in errors


def test_what_sbatch_refuses_is_told(start):
    process = start("--mem", "lots", "x.log", "true")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Invalid --mem" in errors and "sbatch did not take the job" in errors
