#!/usr/bin/env python3
"""Show how far a training run is: one live line, or plain lines off a terminal."""

import argparse
import json
import os
import time
from pathlib import Path

from rich.console import Console

from espnet2.interruptible.progress import FILE_NAME, WARNINGS

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_BETWEEN_PLAIN_LINES = 30.0


def read_progress(path: Path, not_before: float) -> dict | None:
    """Return the state in ``path``, or None if there is none newer than a time."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return state if state["time"] >= not_before else None


def seconds_left(first: dict, state: dict) -> float | None:
    """Return the estimate from the pace between two states, or None if unknown."""
    if first["steps"] is None or state["steps"] is None:
        return None
    begun, done = ((s["epoch"] - 1) * s["steps"] + s["step"] for s in (first, state))
    if done <= begun:
        return None
    pace = (state["time"] - first["time"]) / (done - begun)
    return pace * (state["max_epoch"] * state["steps"] - done)


def format_seconds(seconds: float | None) -> str:
    """Return hours:minutes:seconds, or ?:?? for None."""
    if seconds is None:
        return "?:??"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_line(first: dict, state: dict) -> str:
    """Return the line for ``state`` in a run whose first seen state is ``first``."""
    steps = "?" if state["steps"] is None else state["steps"]
    loss = "?" if state["loss"] is None else f"{state['loss']:.2f}"
    return (
        f"epoch {state['epoch']}/{state['max_epoch']}  step {state['step']}/{steps}  "
        f"loss {loss}  time left {format_seconds(seconds_left(first, state))}"
    )


def is_running(pid: int) -> bool:
    """Return whether a process has this id and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] != "Z"


class NewLines:
    """The lines that a file gets from now on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = len(self._lines())

    def read(self) -> list[str]:
        """Return those that were not returned yet."""
        lines = self._lines()
        new, self.seen = lines[self.seen :], len(lines)
        return new

    def _lines(self) -> list[str]:
        if not self.path.exists():
            return []
        return self.path.read_text(encoding="utf-8").splitlines()


def watch(path: Path, pid: int, console: Console) -> None:
    """Show the progress in ``path``, and warnings, until process ``pid`` ends."""
    started, first, next_plain, shown = time.time(), None, 0.0, None
    warnings = NewLines(path.with_name(WARNINGS))
    with console.status("waiting for the first step") as live:
        while True:
            running = is_running(pid)
            for line in warnings.read():
                console.print(f"warning: {line}")
            state = read_progress(path, not_before=started)
            if state is not None and state != shown:
                first, shown = first or state, state
                live.update(format_line(first, state))
                if not console.is_terminal and time.monotonic() >= next_plain:
                    console.print(format_line(first, state))
                    next_plain = time.monotonic() + SECONDS_BETWEEN_PLAIN_LINES
            if not running:
                break
            time.sleep(SECONDS_BETWEEN_LOOKS)
    if shown is not None:
        console.print(format_line(first, shown))


def main(cmd: list[str] | None = None) -> None:
    """Watch one run; Ctrl-C ends the watching only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output_dir", type=Path, help="The experiment's folder")
    of_pid = "Process that runs or awaits the training"
    parser.add_argument("--pid", type=int, required=True, help=of_pid)
    args = parser.parse_args(cmd)
    try:
        watch(args.output_dir / FILE_NAME, args.pid, Console(highlight=False))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
