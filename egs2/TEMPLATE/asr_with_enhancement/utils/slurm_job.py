"""What a job of slurm.pl does on its machine: runs the line, and sees to the signals.

Where Slurm wants the job's end (USR1 by sbatch --signal, TERM), the command gets USR1;
srun hands it on to its tasks on all machines. A program that asks for that signal may
end with code 75: stopped, to be gone on with. Others do not notice USR1, and die of
TERM where Slurm sends that to all processes. Who sees to it that the job runs again?

* Slurm, after a preemption (PreemptMode=REQUEUE) or where a machine fails; it has
  counted the restart by then.
* This script, if the job is RUNNING, or was preempted with PreemptMode=CANCEL.
* Nobody, if it was cancelled: it is COMPLETING then. Nor if there was no signal.

In the GraceTime before a preemption Slurm signals only the tasks of srun, not this
script, which finds a PreemptTime afterwards.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from types import FrameType

from job_logs import footer

SIGNALS = (signal.SIGUSR1, signal.SIGTERM)
STOPPED = (75, 128 + signal.SIGUSR1, 128 + signal.SIGTERM)

# What would die of USR1 is not to; a program may still ask for it (bash cannot).
SET_UP = """\
trap '' USR1
if [ -e path.sh ]; then . ./path.sh || exit 1; fi
exec bash -c """
# Where all processes get TERM the shell must not end before its command.
PATIENT = "trap 'code=$?; exit $((code ? code : 143))' TERM\n"


class Command:
    """Runs a line in a process group of its own and passes the signals on to it.

    Not in bash: its ``wait`` may lose the exit code where a trap interrupts it.
    """

    def __init__(self) -> None:
        self.received: list[str] = []
        self._process: subprocess.Popen | None = None

    def run(self, line: str) -> int:
        """Run the line; return its exit code, 128 + the number if a signal ended it."""
        for number in SIGNALS:
            signal.signal(number, self._pass_on)
        words = ["bash", "-c", SET_UP + shlex.quote(PATIENT + line)]
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, preexec_fn=os.setpgrp
        )
        code = self._process.wait()
        for number in SIGNALS:  # what follows must be done
            signal.signal(number, signal.SIG_IGN)
        return code if code >= 0 else 128 - code

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(signal.Signals(number).name)
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.killpg(self._process.pid, signal.SIGUSR1)


def runs_again(code: int, is_signalled: bool) -> bool:
    """Whether Slurm runs this job again, by itself or because it is asked to, here."""
    job = job_id()
    state = _ask("scontrol", "show", "job", job) if job and code != 0 else None
    if state is None:
        return False
    restarts = int((re.findall(r"\bRestarts=(\d+)", state) or ["0"])[0])
    if restarts > int(os.environ.get("SLURM_RESTART_COUNT", "0")):
        return True
    is_preempted = re.search(r"\bPreemptTime=\d", state) is not None
    is_running = re.search(r"\bJobState=RUNNING\b", state) is not None
    if code not in STOPPED or not (is_preempted or (is_signalled and is_running)):
        return False
    return _ask("scontrol", "requeue", job) is not None


def job_id() -> str:
    """The id of this job, or of this one member of an array; "" outside of Slurm.

    A member's own number may stand for the whole array.
    """
    names = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID")
    if names[0] in os.environ:
        return "_".join(os.environ[name] for name in names)
    return os.environ.get("SLURM_JOB_ID", "")


def _ask(*words: str) -> str | None:
    """What a command prints; None if it fails, and why goes to the log."""
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        print(error, file=sys.stderr)
        return None
    return done.stdout if done.returncode == 0 else None


def main(line: str) -> int:
    """Run the line between the log's header and footer; return its exit code."""
    threads = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if threads:
        os.environ["SRUN_CPUS_PER_TASK"] = threads  # all that srun heeds
    node = os.environ.get("SLURMD_NODENAME", "this machine")
    start = time.time()
    print(f"# Started at {time.ctime(start)} on {node}\n#", flush=True)
    command = Command()
    code = command.run(line)
    accounting, ended = footer(f"code {code}", start, threads or 1).splitlines()
    print(accounting, flush=True)
    if runs_again(code, bool(command.received)):
        names = " ".join(command.received) or "to its tasks"
        ended = f"# Stopped by a signal ({names}; code {code}), requeued {time.ctime()}"
    print(ended)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
