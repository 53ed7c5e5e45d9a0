"""Jobs that are preempted, cancelled, signalled or lose their node, and go on."""

import subprocess
import sys
from pathlib import Path

import pytest
from one_machine_slurm import output, wait_for

pytestmark = pytest.mark.slow

# Counts, for ever in its first run and 5 more in a later one, and is stopped as a
# training is: it ends the step, writes a checkpoint and exits with code 75. It writes
# one each 10 steps too.
COUNT = """\
import os, signal, sys, time
from pathlib import Path
asked = []
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, _: asked.append(number))
state = Path(f"state.{os.environ.get('SLURM_PROCID', 0)}")
done = int(state.read_text()) if state.exists() else 0
last = done + 5 if "SLURM_RESTART_COUNT" in os.environ else sys.maxsize
while done < last:
    time.sleep(0.05)
    done += 1
    print(os.environ["SLURMD_NODENAME"], done, flush=True)
    if asked:
        time.sleep(1)
    if asked or done % 10 == 0:
        state.write_text(str(done))
    if asked:
        sys.exit(75)
"""
LOG = "x $(touch pwned).log"


@pytest.fixture
def count(start, folder):
    """Start a job that counts and wait for its 12th step."""

    def call(*options: str, tasks: int = 1) -> subprocess.Popen:
        (folder / "count.py").write_text(COUNT)
        command = [sys.executable, "count.py"]
        if tasks > 1:
            options = (*options, "--num_nodes", str(tasks))
            command = ["srun", "--export=ALL", *command]
        process = start(*options, LOG, *command)
        wait_for(lambda: len(steps(folder / LOG)) > 12 * tasks)
        return process

    return call


def steps(log: Path) -> list[list[str]]:
    """Node and number of each step in a log."""
    lines = output(log) if log.exists() else []
    return [line.split() for line in lines if line.startswith("node")]


def assert_went_on_without_a_loss(process, log: Path, tasks: int = 1) -> None:
    assert process.wait(timeout=60) == 0
    for node in ("node1", "node2") if tasks == 2 else ("node",):
        numbers = [int(n) for name, n in steps(log) if name.startswith(node)]
        assert numbers == list(range(1, len(numbers) + 1))
    text = log.read_text()
    assert text.count("# Started at ") == 2
    assert text.count("# Stopped by a signal (") == text.count(", requeued") == 1
    assert text.count("# Ended (code 0) at ") == text.count("# Ended") == 1


def job_of(cluster, name: str = "--format=%A") -> str:
    return cluster.ask("squeue", "--noheader", name).split()[0]


def preempt(cluster) -> None:
    words = ("--output=/dev/null", "--wrap=sleep 1")
    cluster.ask("sbatch", "--partition=urgent", "--nodes=2", "--exclusive", *words)


@pytest.mark.parametrize("tasks", [1, 2])
def test_a_job_goes_on_after_the_signal_of_its_time_limit(
    cluster, count, folder, tasks
):
    process = count(tasks=tasks)
    cluster.ask("scancel", "--batch", "--signal=USR1", job_of(cluster))
    assert_went_on_without_a_loss(process, folder / LOG, tasks)


def test_a_job_goes_on_after_a_preemption(cluster, count, folder):
    process = count()
    preempt(cluster)
    assert_went_on_without_a_loss(process, folder / LOG)


def test_a_job_of_two_nodes_goes_on_after_a_preemption_with_a_grace_time(
    cluster, count, folder
):
    """Slurm signals only the tasks of srun then, and would end the job itself later."""
    cluster.ask("scontrol", "update", "PartitionName=cpu", "GraceTime=20")
    try:
        process = count(tasks=2)
        preempt(cluster)
        assert_went_on_without_a_loss(process, folder / LOG, tasks=2)
    finally:
        cluster.ask("scontrol", "update", "PartitionName=cpu", "GraceTime=0")


def test_a_cancelled_job_stays_cancelled_with_its_checkpoint(cluster, count, folder):
    process = count()
    cluster.ask("scancel", job_of(cluster))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "1 of 1 jobs failed" in errors
    numbers = [int(number) for _, number in steps(folder / LOG)]
    assert (folder / "state.0").read_text() == str(numbers[-1])
    wait_for(lambda: not cluster.jobs())  # it is COMPLETING for a moment
    text = (folder / LOG).read_text()
    assert "# Ended (code 75) at " in text and "requeued" not in text
    assert text.count("# Started at ") == 1


def test_an_interrupted_slurm_pl_leaves_a_checkpoint_and_a_log_that_is_kept(
    cluster, count, start, folder
):
    """The next job must not write where the one that is being ended still writes."""
    process = count()
    process.terminate()
    process.wait(timeout=60)
    again = start(LOG, "true")
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 1 and "wait for its end" in errors
    wait_for(lambda: not cluster.jobs())
    numbers = [int(number) for _, number in steps(folder / LOG)]
    assert (folder / "state.0").read_text() == str(numbers[-1])


def test_a_job_begins_at_its_last_checkpoint_where_its_node_fails(
    cluster, count, folder
):
    """Slurm sees the failure after SlurmdTimeout, or is told."""
    process = count()
    node = steps(folder / LOG)[0][0]
    try:
        cluster.fail_node(node)
        failed = int(steps(folder / LOG)[-1][1])
        down = ("State=DOWN", "Reason=power cut")
        cluster.ask("scontrol", "update", f"NodeName={node}", *down)
        assert process.wait(timeout=60) == 0
    finally:
        cluster.start_node(node)
        cluster.wait_for_nodes()
    later = [(name, int(n)) for name, n in steps(folder / LOG)[failed:]]
    checkpoint = failed // 10 * 10
    assert [n for _, n in later] == list(range(checkpoint + 1, checkpoint + 6))
    assert {name for name, _ in later} == {"node1", "node2"} - {node}


def test_a_job_does_not_notice_that_its_nodes_daemon_was_killed(cluster, count, folder):
    process = count()
    node = steps(folder / LOG)[0][0]
    log = cluster.folder / f"slurmd.{node}.log"
    starts = log.read_text().count("slurmd started on")
    cluster.kill_daemon(node)
    cluster.start_node(node)
    wait_for(lambda: log.read_text().count("slurmd started on") > starts)
    seen = len(steps(folder / LOG))
    wait_for(lambda: len(steps(folder / LOG)) > seen)
    assert job_of(cluster, "--format=%T") == "RUNNING"
    cluster.ask("scancel", "--me")
    assert process.wait(timeout=60) == 1
    assert (folder / LOG).read_text().count("# Started at ") == 1


def test_code_75_without_a_signal_is_a_failure(cluster, start, folder):
    """A job that ends so at once would be requeued for ever."""
    process = start(LOG, "exit", "75")
    assert process.wait(timeout=60) == 1
    wait_for(lambda: not cluster.jobs())
    text = (folder / LOG).read_text()
    assert "# Ended (code 75) at " in text and "requeued" not in text


def test_of_an_array_the_stopped_member_alone_runs_again(cluster, start, folder):
    """The number of the last member is that of the array."""
    (folder / "count.py").write_text(COUNT.replace('"state.', '"state.{sys.argv[1]}.'))
    log = folder / "l.2.log"
    count = ("[", "JOB", "-ne", "2", "]", "||", sys.executable, "count.py", "JOB")
    process = start("JOB=1:2", "l.JOB.log", "echo", "begun", "&&", *count)
    wait_for(lambda: len(steps(log)) > 12)
    cluster.ask("scancel", "--batch", "--signal=USR1", job_of(cluster))
    assert_went_on_without_a_loss(process, log)
    assert output(log).count("begun") == 2
    assert output(folder / "l.1.log") == ["begun"]
