"""The configuration file that turns a script's options into those of a scheduler.

The grammar is that of Kaldi's slurm.pl and queue.pl, line by line; ``#`` begins a
comment::

    command <word> ...          what submits a job
    option <name>=<value> ...   the words that --<name> <value> adds
    option <name>=* ...         the same for any other value, put in the place of $0
    default <name>=<value>      stands for --<name> <value> where that is not given
"""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from job_contract import UsageError


class SubmitConfig(NamedTuple):
    """The lines of a configuration file."""

    path: Path
    command: list[str]
    options: dict[tuple[str, str], list[str]]  # by name and value, which may be *
    defaults: dict[str, str]

    def submit_words(self, options: Mapping[str, str]) -> list[str]:
        """The command and what the options add to it, in the order of the file."""
        given = {**self.defaults, **options}
        chosen = {self._line(*item): item[1] for item in given.items()}
        words = list(self.command)
        for line, added in self.options.items():
            if line in chosen:
                words += [word.replace("$0", chosen[line]) for word in added]
        return words

    def _line(self, name: str, value: str) -> tuple[str, str]:
        for line in ((name, value), (name, "*")):
            if line in self.options:
                return line
        raise UsageError(
            f"--{name} {value} is not described in {self.path}: add a line such as "
            f"'option {name}=* --<option of the scheduler>=$0'"
        )


def read_config(path: Path) -> SubmitConfig:
    """Read a configuration file; ``-`` and ``_`` are the same in names."""
    if not path.is_file():
        raise UsageError(
            f"there is no {path}, which says how jobs are submitted: link or copy "
            "egs2/TEMPLATE/asr_with_enhancement/conf/slurm.conf, or name another by "
            "--config"
        )
    config = SubmitConfig(path, [], {}, {})
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            _add_line(config, shlex.split(line, comments=True))
        except ValueError as error:
            raise UsageError(f"{path}:{number}: {error}: {line.strip()}") from None
    if not config.command:
        raise UsageError(f"{path}: there is no line 'command sbatch ...'")
    return config


def _add_line(config: SubmitConfig, words: list[str]) -> None:
    if not words:
        return
    kind, *rest = words
    name, equals, value = rest[0].partition("=") if rest else ("", "", "")
    name = name.replace("_", "-")
    if kind == "command" and rest:
        config.command[:] = rest
    elif kind == "option" and equals:
        config.options.setdefault((name, value), rest[1:])
    elif kind == "default" and equals and len(rest) == 1:
        config.defaults[name] = value
    else:
        raise ValueError(
            "want command, option <name>=<value> or default <name>=<value>"
        )
