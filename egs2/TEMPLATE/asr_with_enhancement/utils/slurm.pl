#!/usr/bin/env python3
"""Run a command, or an array of them, as a job of Slurm and keep the output in logs.

Usage: slurm.pl [options] [JOB=1:N] <log file> <command> [argument ...]

The command line, the quoting and the logs are those of run.pl. JOB=1:N makes one array
job, of which --max-jobs-run N (-tc N) lets N run at a time. --config FILE (default:
conf/slurm.conf) says what the other options mean to sbatch; one that it does not
describe is refused. The job runs in the present folder, after its path.sh.

slurm.pl waits for the job's end (sbatch --wait), also where it is requeued on the way;
exit code 1 if any part of it fails. Ctrl-C cancels it. A log that a job may yet write
is not given to a second one: the job's comment is the log's full path. The job's script
is kept in q/ beside the log; on the machine slurm_job.py runs the command, stops it on
Slurm's signals and requeues it. Python under the name that Kaldi's users and scripts
know.
"""

import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import job_contract
import slurm_job
from job_contract import Call, UsageError, shell_line
from job_logs import exit_code, report
from slurm_queue import find_jobs, run_job
from submit_config import read_config

JOB_SCRIPT = """\
#!/usr/bin/env bash
cd {folder} || exit 1
line={line}
exec {python} {program} "${{line}}"
"""


def submit_words(call: Call) -> list[str]:
    """The command that submits the job, without the job's script."""
    options = dict(call.options)
    config = read_config(Path(options.pop("config", "conf/slurm.conf")))
    command, *words = config.submit_words(options)
    name = f"--job-name={Path(call.log).stem}"  # the file's words may give another
    words = [command, name, *words, "--wait", "--parsable"]
    return [*words, f"--comment={log_path(call)}", *_log_words(call)]


def _log_words(call: Call) -> list[str]:
    folder, log = (text.replace("%", "%%") for text in (os.getcwd(), call.log))
    words = ["--open-mode=append"]
    if call.name:
        limit = "" if call.at_once is None else f"%{call.at_once}"
        words.append(f"--array={call.numbers[0]}-{call.numbers[-1]}{limit}")
        log = log.replace(call.name, "%a")
    path = os.path.join(folder, log)
    if "\\" in path:
        raise UsageError(f"{path}: Slurm takes no log with a backslash in its path")
    return [*words, f"--output={path}"]


def log_path(call: Call) -> str:
    """The full path of the log, an array's with the name in it."""
    return os.path.abspath(call.log)


def prepare(call: Call) -> Path:
    """Begin the logs anew and write the job's script; return the script's path."""
    for number in call.numbers:
        log, words = call.job(number)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"# {shell_line(words)}\n# Submitted at {time.ctime()}\n")
    script = Path(call.log).parent / "q" / f"{Path(call.log).name}.sh"
    script.parent.mkdir(parents=True, exist_ok=True)
    line = shlex.quote(shell_line(call.words))
    if call.name:
        line += f"\nline=${{line//{call.name}/${{SLURM_ARRAY_TASK_ID}}}}"
    program = os.path.abspath(slurm_job.__file__)
    paths = {"folder": os.getcwd(), "python": sys.executable, "program": program}
    quoted = {name: shlex.quote(path) for name, path in paths.items()}
    script.write_text(JOB_SCRIPT.format(line=line, **quoted))
    return script


def may_be_written(call: Call) -> bool:
    """Whether a log is there that has a beginning and no end."""
    logs = [call.job(number)[0] for number in call.numbers]
    return any(log.exists() and exit_code(log) is None for log in logs)


def judge(call: Call, code: int) -> int:
    """Say what failed, if anything did; return the exit code of slurm.pl.

    The logs are asked too, because sbatch returns 0 for a job cancelled while waiting.
    """
    logs = [call.job(number)[0] for number in call.numbers]
    failed = [log for log in logs if log.exists() and exit_code(log) != 0]
    if failed:
        report("slurm.pl", failed, len(logs))
    elif code != 0:
        log = shlex.quote(call.log)
        print(f"slurm.pl: the job of {log} has failed ({code})", file=sys.stderr)
    return 1 if failed or code != 0 else 0


def main(arguments: Sequence[str]) -> int:
    """Run the job; return 0 if all of it succeeds, otherwise 1."""
    call = job_contract.parse_call(arguments, "slurm.pl")
    log = log_path(call)
    words = submit_words(call)
    jobs = find_jobs(log, may_be_written(call))
    if jobs:
        raise UsageError(
            f"job {' '.join(jobs)} of yours writes {log} already: wait for its end "
            f"or cancel it (scancel {' '.join(jobs)})"
        )
    job_contract.raise_on_signals()
    words.append(str(prepare(call)))
    return judge(call, run_job(words, log, lambda: may_be_written(call)))


if __name__ == "__main__":
    job_contract.run_script(__doc__, main, "the job was cancelled")
