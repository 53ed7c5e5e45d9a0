"""Let other recognisers hear what the runs make.

That is stage 14 of the recipe, with a share of noisy speech as given or chosen on the
validation set (observation adding), for each run whose model is still here. Its rows in
``report/listeners.tsv`` are replaced.

    python3 -m study.listen --plan <plan> --runs <expression> --listeners pocketsphinx
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, run_cli, write_lines
from espnet2.results.comparison import KEY, read_rows
from espnet2.results.recognisers import Listener, find_listeners
from study.commands import run_command
from study.missing import find_runs
from study.plan import REPORT, Plan, Run
from study.plan_file import read_plan

FILE = REPORT / "listeners.tsv"
COLUMNS = (*KEY, "recogniser", "noisy_share", "words", "noisy", "enhanced", "clean")
SCORING = (14, 14)  # stages


def main(words: Sequence[str]) -> None:
    """Let them hear one run after the other, and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--runs", default="", help="only what this expression finds")
    parser.add_argument("--listeners", default="", help="as of --unseen_asr_models")
    parser.add_argument("--noisy_share", default="auto", help="as of the recipe")
    args = parser.parse_args(words)
    try:
        plan = read_plan(args.plan)
        wanted = find_runs(plan, args.runs)
    except (ValueError, re.error) as error:
        raise DataError(error) from None
    runs = [
        run
        for run in wanted
        if not run.is_asr_alone and (run.folder / "tested").exists()
    ]
    if not runs:
        raise DataError(f"--runs {args.runs}: finds no run whose model is here")
    options = ["--noisy_share", args.noisy_share]
    options += ["--unseen_asr_models", args.listeners]
    for number, run in enumerate(runs, 1):
        print(f"{run.label} ({number} of {len(runs)})", file=sys.stderr, flush=True)
        hear(plan, run, options)
        replace_rows(run, list(rows_of(run)))


def hear(plan: Plan, run: Run, options: list[str]) -> None:
    """Run stage 14 in the condition's folder; what is up to date is not done again.

    Raises:
        DataError: the stage has failed.
    """
    command = [*run_command(plan, run, SCORING, 0), *options]
    log = run.folder / "listeners.log"
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(
            command, cwd=run.condition.folder, stdout=file, stderr=subprocess.STDOUT
        )
    if done.returncode:
        raise DataError(f"{run.label}: stage 14 has failed; see {log}")


def rows_of(run: Run) -> Iterator[dict[str, str]]:
    """Yield a row for each recogniser and share; word error rates in per cent.

    A share of 0 is the enhanced speech as it is, which has a row of its own.
    """
    for listener in find_listeners(run.folder):
        if listener.share == "0":
            continue
        words = listener.counts("enhanced", "wer")
        yield {
            **dict(zip(KEY, run.key, strict=True)),
            "recogniser": listener.name,
            "noisy_share": listener.share or "0",
            "words": str(words.reference_units) if words else "-",
            **{side: _rate(listener, side) for side in COLUMNS[-3:]},
        }


def _rate(listener: Listener, side: str) -> str:
    counts = listener.counts(side, "wer")
    return f"{100 * counts.error_rate:.6g}" if counts else "-"


def heard() -> list[dict[str, str]]:
    """Return the rows that there are."""
    return read_rows(FILE, COLUMNS) if FILE.exists() else []


def replace_rows(run: Run, rows: list[dict[str, str]]) -> None:
    """Write the run's rows in place of those that it had."""
    others = [row for row in heard() if tuple(row[k] for k in KEY) != run.key]
    lines = ["\t".join(row[c] for c in COLUMNS) for row in [*others, *rows]]
    write_lines(FILE, ["\t".join(COLUMNS), *lines])


if __name__ == "__main__":
    run_cli(main)
