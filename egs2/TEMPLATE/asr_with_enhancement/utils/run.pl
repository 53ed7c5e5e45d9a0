#!/usr/bin/env python3
"""Run a command, or an array of them, on this machine and keep their output in logs.

Usage: run.pl [options] [JOB=1:N] <log file> <command> [argument ...]

JOB (any name) stands for the job's number in the log file's name and in every word of
the command. Every option takes one value (-V none, -pe two). Heeded are
--max-jobs-run N (-tc N), the number of jobs at a time (default: the processors);
--gpu N, which for N > 0 allows as many jobs at a time as the machine has GPUs; and
--pick all|failed|incomplete, which leaves out the jobs that succeeded by their logs
(failed: also those that never ended). Others are accepted and ignored.

A word without white space goes to bash as it is, so that quoted '|', '>' and '&&' work
there; a word with white space is put in quotes. Exit code 1 if any job fails.
Python under the name that Kaldi's users and scripts know.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import job_contract
from job_contract import UsageError, shell_line
from job_logs import exit_code, footer, report


def jobs_at_once(call: job_contract.Call) -> int:
    """How many jobs may run at a time."""
    gpu = call.options.get("gpu", "0")
    if not gpu.isdigit():
        raise UsageError(f"--gpu {gpu}: want a whole number")
    if call.at_once is not None:
        return call.at_once
    gpus = _count_gpus() if int(gpu) > 0 else 0
    return gpus or os.cpu_count() or 1


def _count_gpus() -> int:
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    except OSError:
        return 0
    return len(listing.stdout.splitlines()) if listing.returncode == 0 else 0


def is_wanted(log: Path, pick: str) -> bool:
    """Whether the job with this log is to be run."""
    if pick not in ("all", "failed", "incomplete"):
        raise UsageError(f"--pick {pick}: want all, failed or incomplete")
    if pick == "all":
        return True
    code = exit_code(log)
    if code is not None:
        return code != 0
    return pick == "incomplete" or log.is_file()


def share_locks(files: str) -> list[int]:
    """Lock the files, named one a line, beside others; return their descriptors.

    A job that has them keeps the folder that it works on from being made anew, even
    where run.pl and the script that started it were killed: see scripts/utils/locks.sh.
    """
    descriptors = []
    for file in files.splitlines():
        with contextlib.suppress(OSError):  # no locks there, or not with this script
            descriptors.append(os.open(file, os.O_RDONLY))
            fcntl.flock(descriptors[-1], fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptors


class Runner:
    """Runs jobs and ends all of them when it is told to stop."""

    def __init__(self) -> None:
        self._locks = share_locks(os.environ.get("FOLDER_LOCKS", ""))
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, log: Path, words: Sequence[str]) -> int:
        """Run one job; return its exit code, 128 + the number if a signal ended it."""
        line = shell_line(words)
        log.parent.mkdir(parents=True, exist_ok=True)
        start = time.time()
        with log.open("w", encoding="utf-8") as file:
            file.write(f"# {line}\n# Started at {time.ctime(start)}\n#\n")
            file.flush()
            code = self._wait(line, file)
            ending = f"code {code}" if code >= 0 else f"code 1; signal {-code}"
            file.write(footer(ending, start))
        return code if code >= 0 else 128 - code

    def _wait(self, line: str, file) -> int:
        with self._lock:
            if self._stopped:
                return 1
            # A session of its own lets stop() reach the children of the command too.
            process = subprocess.Popen(
                ["bash", "-c", line],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self._locks,
            )
            self._running.add(process)
        code = process.wait()
        with self._lock:
            self._running.discard(process)
        return code

    def stop(self) -> None:
        """End the running jobs with all their children; start no further one.

        A training has the first minute to write a checkpoint.
        """
        with self._lock:
            self._stopped = True
            processes = list(self._running)
        for kind, patience_s in ((signal.SIGTERM, 60.0), (signal.SIGKILL, 1.0)):
            for process in processes:
                try:
                    os.killpg(process.pid, kind)
                except ProcessLookupError:
                    continue
            deadline = time.time() + patience_s
            while time.time() < deadline and any(p.poll() is None for p in processes):
                time.sleep(0.05)


def main(arguments: Sequence[str]) -> int:
    """Run the jobs; return 0 if all of them succeed, otherwise 1."""
    call = job_contract.parse_call(arguments, "run.pl")
    pick, at_once = call.options.get("pick", "all"), jobs_at_once(call)
    jobs = [job for job in map(call.job, call.numbers) if is_wanted(job[0], pick)]
    runner = Runner()
    job_contract.raise_on_signals()
    pool = ThreadPoolExecutor(max_workers=at_once)
    try:
        codes = list(pool.map(lambda job: runner.run(*job), jobs))
    except KeyboardInterrupt:
        runner.stop()
        raise
    except OSError as error:
        runner.stop()
        raise UsageError(f"no log can be written: {error}") from None
    finally:
        pool.shutdown(cancel_futures=True)
    failed = [job[0] for job, code in zip(jobs, codes, strict=True) if code != 0]
    if failed:
        report("run.pl", failed, len(jobs))
    return 1 if failed else 0


if __name__ == "__main__":
    job_contract.run_script(__doc__, main, "the jobs were ended")
