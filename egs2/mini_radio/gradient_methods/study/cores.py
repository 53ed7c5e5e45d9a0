"""Run a command on cores of its own: python3 -m study.cores <number> <command ...>.

Each core of this machine has a lock file; the command, and what it starts, holds those
of its cores as long as it lives. It waits until enough are free. 0: all, unlocked.
"""

import fcntl
import os
import sys
import tempfile
import time
from pathlib import Path

LOCKS = Path(tempfile.gettempdir()) / f"study_cores_{os.getuid()}"


def main() -> None:
    """Become the command."""
    number, command = int(sys.argv[1]), sys.argv[2:]
    LOCKS.mkdir(exist_ok=True)
    wanted = min(number, len(os.sched_getaffinity(0)))
    while len(files := take_cores(wanted)) < wanted:
        for file in files.values():
            os.close(file)
        time.sleep(0.5)
    if files:
        os.sched_setaffinity(0, files)
    os.execvp(command[0], command)


def take_cores(wanted: int) -> dict[int, int]:
    """Return core -> held lock file of cores that were free, as many at most."""
    files: dict[int, int] = {}
    for core in sorted(os.sched_getaffinity(0)):
        if len(files) == wanted:
            break
        file = os.open(LOCKS / str(core), os.O_CREAT | os.O_RDWR)
        os.set_inheritable(file, True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            files[core] = file
        except BlockingIOError:
            os.close(file)
    return files


if __name__ == "__main__":
    main()
