"""One job of Slurm: submitted and waited for, found by its comment, cancelled."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from job_contract import UsageError

POLL_S = 2.0


def find_jobs(comment: str, ending: bool = False) -> list[str]:
    """The ids of the user's jobs that have this comment: they wait or run.

    With ``ending``, also of those whose processes are being ended.
    """
    states = "--states=PENDING,RUNNING,SUSPENDED"
    if ending:
        states += ",COMPLETING"
    listing = _call("squeue", "--me", "--noheader", states, "--format=%F %k")
    lines = (line.partition(" ") for line in listing.splitlines())
    return sorted({job for job, _, found in lines if found == comment})


def run_job(
    words: Sequence[str], comment: str, may_be_written: Callable[[], bool]
) -> int:
    """Submit a job and wait for its end; return sbatch's exit code.

    Args:
        words: ``sbatch --wait --parsable ...``, with this comment.
        comment: what finds the job again. An interrupt cancels it.
        may_be_written: whether a log has no end yet. sbatch does not wait for that of a
            cancelled job, whose command may still be writing a checkpoint.

    Raises:
        UsageError: the job is not taken.
    """
    process = None
    try:
        try:
            process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise _not_a_cluster(error) from None
        job = process.stdout.readline().strip().partition(";")[0]
        if not job:
            process.wait()
            raise UsageError(f"{words[0]} did not take the job that writes {comment}")
        print(f"slurm.pl: job {job}: {comment}", file=sys.stderr)
        code = process.wait()
        while may_be_written() and find_jobs(comment, ending=True):
            time.sleep(POLL_S)
        return code
    except KeyboardInterrupt:
        if process is not None:
            process.kill()
            process.wait()
        jobs = find_jobs(comment)
        if jobs:
            _call("scancel", *jobs)
        raise


def _call(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except OSError as error:
        raise _not_a_cluster(error) from None
    if done.returncode != 0:
        raise UsageError(f"{words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def _not_a_cluster(error: OSError) -> UsageError:
    return UsageError(
        f"{error}; slurm.pl wants a machine from which jobs are submitted"
    )
