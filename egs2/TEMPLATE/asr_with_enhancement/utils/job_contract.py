"""What run.pl and slurm.pl share: the command line, the quoting, the signals.

The form is ``<cmd>.pl [options] [JOB=1:N] <log file> <command> [argument ...]``, as
scripts written for Kaldi's scripts of these names expect it.
"""

import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class UsageError(Exception):
    """A command line or a configuration that cannot be run."""


class Call(NamedTuple):
    """A command line: ``name`` stands for each of the ``numbers`` ("" for one job)."""

    options: dict[str, str]
    at_once: int | None  # most jobs at a time, by --max-jobs-run or -tc
    name: str
    numbers: range
    log: str
    words: list[str]

    def job(self, number: int) -> tuple[Path, list[str]]:
        """The log and the words of one job."""
        if not self.name:
            return Path(self.log), self.words
        log, *words = (
            word.replace(self.name, str(number)) for word in (self.log, *self.words)
        )
        return Path(log), words


def parse_call(arguments: Sequence[str], program: str) -> Call:
    """Read a command line; ``-`` and ``_`` are the same in the names of options."""
    words = list(arguments)
    options = _take_options(words)
    array = (
        re.fullmatch(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?", words[0]) if words else None
    )
    if array is not None:
        del words[0]
        options |= _take_options(words)
    at_once = _max_jobs_run(options)
    if len(words) < 2:
        raise UsageError(f"want a log file and a command; see the top of {program}")
    if array is None:
        return Call(options, at_once, "", range(1, 2), words[0], words[1:])
    name, first = array[1], int(array[2])
    numbers = range(first, int(array[3] or first) + 1)
    if first < 1 or not numbers:
        raise UsageError(f"{array[0]}: the range must start at 1 or more and rise")
    if name not in words[0]:
        raise UsageError(f"the log file {words[0]} of an array job lacks {name}")
    return Call(options, at_once, name, numbers, words[0], words[1:])


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


def _max_jobs_run(options: dict[str, str]) -> int | None:
    """Remove --max-jobs-run and -tc; return the number."""
    other = options.pop("tc", None)
    limit = options.pop("max-jobs-run", other)
    if limit is None:
        return None
    if not limit.isdigit() or int(limit) == 0:
        raise UsageError(f"--max-jobs-run {limit}: want whole numbers from 1")
    return int(limit)


def shell_line(words: Sequence[str]) -> str:
    """The words as one line for bash: those with white space or empty are quoted."""

    def quote(word: str) -> str:
        if word and not re.search(r"\s", word):
            return word
        return f"'{word}'" if '"' in word else f'"{word}"'

    return " ".join(quote(word) for word in words)


def raise_on_signals() -> None:
    """Let Ctrl-C and its like raise KeyboardInterrupt(number), once."""

    def interrupted(number: int, _frame: object) -> NoReturn:
        for each in SIGNALS:  # a second Ctrl-C must not stop the tidying up
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    for number in SIGNALS:
        signal.signal(number, interrupted)


def run_script(doc: str, main: Callable[[Sequence[str]], int], fate: str) -> NoReturn:
    """Run ``main`` on the command line; print the ``doc`` if there is none.

    An error of use is one line and exit code 1. ``fate`` is what has become of the jobs
    where a signal has ended the script.
    """
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(doc)
        sys.exit(0 if arguments else 1)
    try:
        sys.exit(main(arguments))
    except UsageError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as interrupt:
        print(f"{program}: interrupted; {fate}", file=sys.stderr)
        sys.exit(128 + (interrupt.args or (signal.SIGINT,))[0])
