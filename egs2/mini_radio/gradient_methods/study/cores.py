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


def main() -> None:
    """Become the command."""
    number, command = int(sys.argv[1]), sys.argv[2:]
    if number > 0:
        while not (cores := take_cores(number)):
            time.sleep(0.5)
        os.sched_setaffinity(0, cores)
    os.execvp(command[0], command)


def take_cores(number: int) -> list[int]:
    """Return cores whose locks are held now, [] if fewer than that many are free.

    A machine has as many as the process may use, if that is fewer than the number.
    """
    allowed = sorted(os.sched_getaffinity(0))
    folder = Path(tempfile.gettempdir()) / f"study_cores_{os.getuid()}"
    folder.mkdir(exist_ok=True)
    taken: dict[int, int] = {}
    for core in allowed:
        file = os.open(folder / str(core), os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        os.set_inheritable(file, True)
        taken[core] = file
        if len(taken) == min(number, len(allowed)):
            return list(taken)
    for file in taken.values():
        os.close(file)
    return []


if __name__ == "__main__":
    main()
