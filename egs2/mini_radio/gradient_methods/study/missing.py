"""Print the files that stand for the rows that are missing, and say how many."""

import argparse
import re
import sys
from pathlib import Path

from espnet2.results.comparison import Key, Results
from study.plan import REPORT, Plan, Run
from study.plan_file import read_plan


def main() -> int:
    """Print the files; return 2 if the plan is wrong or no run is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--runs", default="", help="only what this expression finds")
    args = parser.parse_args()
    try:
        plan = read_plan(args.plan)
        todo = select_runs(plan, Results(REPORT).rows(), args.runs)
    except (ValueError, re.error) as error:
        print(f"run.sh: error: {error}", file=sys.stderr)
        return 2
    for run in todo:
        print(run.folder / "row")
    return 0


def find_runs(plan: Plan, expression: str) -> list[Run]:
    """Return the runs whose labels an expression finds.

    Raises:
        ValueError: it finds no run at all.
        re.error: it is none.
    """
    wanted = [run for run in plan.runs if re.search(expression, run.label)]
    if not wanted:
        raise ValueError(f"--runs {expression}: finds none, e.g. {plan.runs[0].label}")
    return wanted


def select_runs(plan: Plan, done: dict[Key, dict], expression: str) -> list[Run]:
    """Return the wanted runs without a row; say how many have one.

    Raises:
        ValueError, re.error: as `find_runs`.
    """
    wanted = find_runs(plan, expression)
    todo = [run for run in wanted if run.key not in done]
    print(
        f"{len(wanted) - len(todo)} runs are done, {len(todo)} are to do",
        file=sys.stderr,
    )
    return todo


if __name__ == "__main__":
    sys.exit(main())
