"""The logs of jobs: how one ends, what its end says, and which of them failed."""

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ENDED = re.compile(r"^# Ended \(code (\d+)", re.MULTILINE)
KILLED = re.compile(r"^# Ended \(code (137|1; signal 9)\)", re.MULTILINE)
LOG_TAIL_LINES = 5


def exit_code(log: Path) -> int | None:
    """The exit code that the log ends with; None if its job has not ended."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    codes = ENDED.findall(text)
    return int(codes[-1]) if codes else None


def footer(ending: str, start: float, threads: object = 1) -> str:
    """The last two lines of a log, of a job that began at ``start`` (time.time())."""
    seconds = round(time.time() - start)
    return (
        f"# Accounting: time={seconds} threads={threads}\n# Ended ({ending}) "
        f"at {time.ctime()}, elapsed time {seconds} seconds\n"
    )


def report(program: str, failed: Sequence[Path], total: int) -> None:
    """Say which logs to read, and show the end of the first."""
    names = " ".join(str(log) for log in failed[:10])
    more = f" and {len(failed) - 10} more" if len(failed) > 10 else ""
    text = failed[0].read_text(encoding="utf-8", errors="replace")
    body = [line for line in text.splitlines() if not re.match(r"(#|# .*)?$", line)]
    for line in body[-LOG_TAIL_LINES:]:
        print(f"  {line}", file=sys.stderr)
    if KILLED.search(text):
        print("  (killed by signal 9: is memory too small?)", file=sys.stderr)
    what = f"{len(failed)} of {total} jobs failed: {names}{more}"
    print(f"{program}: {what}", file=sys.stderr)
