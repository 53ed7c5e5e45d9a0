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

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, NoReturn

ENDED = re.compile(r"^# Ended \(code (\d+)", re.MULTILINE)
LOG_TAIL_LINES = 5
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class UsageError(Exception):
    """A command line that cannot be run."""


class Plan(NamedTuple):
    """What the command line asks for: the jobs as number -> (log, words)."""

    jobs: dict[int, tuple[Path, list[str]]]
    at_once: int
    pick: str


def parse(arguments: Sequence[str]) -> Plan:
    """Read the command line.

    Raises:
        UsageError: a word is missing or out of range.
    """
    words = list(arguments)
    options = _take_options(words)
    array = (
        re.fullmatch(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?", words[0]) if words else None
    )
    if array is not None:
        del words[0]
        options |= _take_options(words)
    if len(words) < 2:
        raise UsageError("want a log file and a command; see the top of run.pl")
    numbers = range(1, 2)
    if array is not None:
        name, first = array[1], int(array[2])
        numbers = range(first, int(array[3] or first) + 1)
        if first < 1 or not numbers:
            raise UsageError(f"{array[0]}: the range must start at 1 or more and rise")
        if name not in words[0]:
            raise UsageError(f"the log file {words[0]} of an array job lacks {name}")
        jobs = {n: [word.replace(name, str(n)) for word in words] for n in numbers}
    else:
        jobs = {1: words}
    plan = {n: (Path(log), command) for n, (log, *command) in jobs.items()}
    pick = options.get("pick", "all")
    if pick not in ("all", "failed", "incomplete"):
        raise UsageError(f"--pick {pick}: want all, failed or incomplete")
    return Plan(plan, _jobs_at_once(options), pick)


def _take_options(words: list[str]) -> dict[str, str]:
    """Remove the leading options from the words and return them by name."""
    options: dict[str, str] = {}
    while words and words[0].startswith("-"):
        name = words.pop(0)
        count = {"-V": 0, "-pe": 2}.get(name, 1)
        if len(words) < count:
            raise UsageError(f"the option {name} wants a value")
        options[name.lstrip("-").replace("_", "-")] = " ".join(words[:count])
        del words[:count]
    return options


def _jobs_at_once(options: dict[str, str]) -> int:
    limit = options.get("max-jobs-run", options.get("tc"))
    gpu = options.get("gpu", "0")
    if not gpu.isdigit() or not (limit or "1").isdigit() or limit == "0":
        raise UsageError(f"--max-jobs-run {limit} --gpu {gpu}: want whole numbers")
    if limit is not None:
        return int(limit)
    gpus = _count_gpus() if int(gpu) > 0 else 0
    return gpus or os.cpu_count() or 1


def _count_gpus() -> int:
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    except OSError:
        return 0
    return len(listing.stdout.splitlines()) if listing.returncode == 0 else 0


def shell_line(words: Sequence[str]) -> str:
    """The words as one line for bash, quoted as the usage says."""

    def quote(word: str) -> str:
        if word and not re.search(r"\s", word):
            return word
        return f"'{word}'" if '"' in word else f'"{word}"'

    return " ".join(quote(word) for word in words)


def is_wanted(log: Path, pick: str) -> bool:
    """Whether the job with this log is to be run."""
    if pick == "all":
        return True
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    codes = ENDED.findall(text)
    if codes:
        return codes[-1] != "0"
    return pick == "incomplete" or log.is_file()


class Runner:
    """Runs jobs and ends all of them when it is told to stop."""

    def __init__(self) -> None:
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
            seconds = round(time.time() - start)
            ending = f"code {code if code >= 0 else 0}"
            if code < 0:
                ending = f"code 1; signal {-code}"
            file.write(f"# Accounting: time={seconds} threads=1\n")
            file.write(
                f"# Ended ({ending}) at {time.ctime()}, "
                f"elapsed time {seconds} seconds\n"
            )
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
            )
            self._running.add(process)
        code = process.wait()
        with self._lock:
            self._running.discard(process)
        return code

    def stop(self) -> None:
        """End the running jobs with all their children; start no further one."""
        with self._lock:
            self._stopped = True
            processes = list(self._running)
        for kind, patience_s in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 1.0)):
            for process in processes:
                try:
                    os.killpg(process.pid, kind)
                except ProcessLookupError:
                    continue
            deadline = time.time() + patience_s
            while time.time() < deadline and any(p.poll() is None for p in processes):
                time.sleep(0.05)


def report(failed: Sequence[Path], total: int) -> None:
    """Say which logs to read, and show the end of the first."""
    names = " ".join(str(log) for log in failed[:10])
    more = f" and {len(failed) - 10} more" if len(failed) > 10 else ""
    text = failed[0].read_text(encoding="utf-8", errors="replace")
    body = [line for line in text.splitlines() if line and not line.startswith("# ")]
    for line in body[-LOG_TAIL_LINES:]:
        print(f"  {line}", file=sys.stderr)
    print(
        f"run.pl: {len(failed)} of {total} jobs failed: {names}{more}", file=sys.stderr
    )


def main(arguments: Sequence[str]) -> int:
    """Run the jobs; return 0 if all of them succeed, otherwise 1."""
    try:
        plan = parse(arguments)
    except UsageError as error:
        print(f"run.pl: error: {error}", file=sys.stderr)
        return 1
    runner = Runner()

    def interrupted(number: int, _frame: object) -> NoReturn:
        for each in SIGNALS:  # a second Ctrl-C must not stop the tidying up
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    for number in SIGNALS:
        signal.signal(number, interrupted)
    jobs = [job for job in plan.jobs.values() if is_wanted(job[0], plan.pick)]
    pool = ThreadPoolExecutor(max_workers=plan.at_once)
    try:
        codes = list(pool.map(lambda job: runner.run(*job), jobs))
    except KeyboardInterrupt as interrupt:
        runner.stop()
        print("run.pl: interrupted; the jobs were ended", file=sys.stderr)
        return 128 + (interrupt.args or (signal.SIGINT,))[0]
    finally:
        pool.shutdown(cancel_futures=True)
    failed = [job[0] for job, code in zip(jobs, codes, strict=True) if code != 0]
    if failed:
        report(failed, len(jobs))
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) == 1 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if len(sys.argv) > 1 else 1)
    sys.exit(main(sys.argv[1:]))
