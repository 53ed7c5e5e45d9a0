#!/usr/bin/env python3
"""Prints docs/options.md: every option of ours, from the parsers and the script itself.

    python tools/make_option_reference.py > docs/options.md

Upstream's own options are left out; `--help` shows them.
"""

import argparse
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from espnet2.bin import transcribe
from espnet2.tasks.enh_s2t import EnhS2TTask
from espnet2.tasks.gradient_remedy import GradientRemedyTask
from espnet2.train.gradient_options import GradientConf

SCRIPT = Path("egs2/TEMPLATE/asr_with_enhancement/asr_with_enhancement.sh")
INTRODUCTION = """\
# Options

Made by `tools/make_option_reference.py` from the parsers and the script; not to be
edited. A key of a training YAML is also a flag of the same name.
"""


def main() -> None:
    """Print the reference."""
    root = Path(__file__).resolve().parent.parent
    parts = [
        INTRODUCTION,
        "## Training: `python -m espnet2.bin.gradient_remedy_train`\n",
        *own_groups(GradientRemedyTask.get_parser(), EnhS2TTask.get_parser()),
        "### Keys of `gradient_conf`\n",
        conf_table(),
        "## Recipes: `./run.sh`\n",
        *script_tables((root / SCRIPT).read_text(encoding="utf-8")),
        "## Recordings: `python -m espnet2.bin.transcribe`\n",
        option_table(transcribe.get_parser()._actions),
    ]
    print("\n".join(parts), end="")


def own_groups(
    ours: argparse.ArgumentParser, upstream: argparse.ArgumentParser
) -> Iterator[str]:
    """Yield a heading and a table for each group with options that upstream lacks."""
    known = set(upstream._option_string_actions)
    for group in ours._action_groups:
        own = [a for a in group._group_actions if known.isdisjoint(a.option_strings)]
        if own:
            yield f"### {group.title}\n"
            yield option_table(own)


def option_table(actions: list[argparse.Action]) -> str:
    """Return a table of options: name, default, what it is for."""
    rows = []
    for action in actions:
        if action.dest == "help":
            continue
        name = ", ".join(action.option_strings) or action.metavar
        text = (action.help or "").replace("%(default)s", str(action.default))
        if action.choices:
            text += f" ({', '.join(map(str, action.choices))})"
        default = "" if action.default is None else _cell(action.default)
        if action.required:
            default = "required"
        elif isinstance(action.default, dict):
            default = "the keys below"
        rows.append((f"`{name}`", default, text))
    return table(rows)


def conf_table() -> str:
    """Return a table of ``GradientConf``'s fields, from its docstring."""
    text = inspect.getdoc(GradientConf).split("Attributes:\n")[1]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE)
    defaults = GradientConf()
    rows = [
        (f"`{name}`", _cell(getattr(defaults, name)), " ".join(words.split()))
        for name, words in entries
    ]
    return table(rows)


def script_tables(script: str) -> Iterator[str]:
    """Yield a heading and a table for each group of options at the script's top."""
    block = script.split("# Options", 1)[1].split("# End of options")[0]
    for group in block.split("\n# -- ")[1:]:
        title, *lines = group.splitlines()
        rows = []
        for line in filter(None, lines):
            found = re.fullmatch(r"(\w+)=(\"[^\"]*\"|\S*)\s+# (.*)", line)
            if found is None:
                raise SystemExit(f"{SCRIPT}: {line!r}: expected name=default  # what")
            rows.append((f"`--{found[1]}`", _cell(found[2].strip('"')), found[3]))
        yield f"### {title}\n"
        yield table(rows)


def table(rows: list[tuple[str, str, str]]) -> str:
    """Return a markdown table; ``|`` and ``<`` in a text stay what they are."""
    lines = [("option", "default", "what it is"), ("---",) * 3]
    lines += [(name, default, text.replace("<", "\\<")) for name, default, text in rows]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def _cell(value: object) -> str:
    """Return a default as a user of YAML or the shell writes it."""
    if isinstance(value, bool) or value is None:
        return {True: "`true`", False: "`false`", None: "`null`"}[value]
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return f"`{value}`" if str(value) else ""


if __name__ == "__main__":
    main()
