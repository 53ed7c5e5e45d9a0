"""Make the tables of markdown pages anew: python3 -m study.readme <page> ...

A table stands between ``<!-- table: <plan> | <condition>: <column>, ... | ... -->`` and
``<!-- end of table -->``; ``methods: <name>, ...`` in place of a condition chooses the
methods. The rows are sorted by the WER under the condition named first.
``<!-- fronts: <plan> | <condition> -->`` has both tables of that condition's fronts.
"""

import re
import sys
from pathlib import Path

from espnet2.results.comparison import Results
from espnet2.results.tables import markdown_table
from study.columns import COLUMNS
from study.front_table import front_tables
from study.plan import REPORT
from study.plan_file import read_plan
from study.statistics import Summary, summarize

TABLE = re.compile(
    r"<!-- (table|fronts): (.+) -->\n(?:(?:\|.*)?\n)*<!-- end of table -->"
)


def main() -> None:
    """Write the pages that have changed."""
    for page in map(Path, sys.argv[1:]):
        text = page.read_text(encoding="utf-8")
        try:
            renewed = renew_tables(text)
        except ValueError as error:
            sys.exit(f"run.sh: error: {page}: {error}")
        if renewed != text:
            page.write_text(renewed, encoding="utf-8")
            print(f"Wrote the tables of {page}")


def renew_tables(text: str) -> str:
    """Return a page with its tables made from the present rows.

    Raises:
        ValueError: a table asks for something that does not exist.
    """
    return TABLE.sub(
        lambda found: (
            f"<!-- {found[1]}: {found[2]} -->\n{MAKERS[found[1]](found[2])}"
            "<!-- end of table -->"
        ),
        text,
    )


def _table(wanted: str) -> str:
    name, *parts = wanted.split(" | ")
    shown = {key: names.split(", ") for key, names in (p.split(": ") for p in parts)}
    plan, results = read_plan(Path(f"plans/{name}.yaml")), Results(REPORT)
    methods = shown.pop("methods", plan.methods)
    columns = [(condition, name) for condition in shown for name in shown[condition]]
    known = {*plan.conditions, *plan.methods, *COLUMNS}
    unknown = {*shown, *methods, *(name for _, name in columns)} - known
    if unknown:
        raise ValueError(f"table {wanted}: there is no {', '.join(sorted(unknown))}")
    summaries = summarize(plan, results.rows(), results.words())
    items = {name: {i.method: i for i in summaries[name]} for name in shown}
    first = next(iter(items.values()))
    ranked = sorted(first, key=lambda method: first[method].mean["wer"])
    rows = [
        [f"`{method}`", *(_cell(items[c].get(method), column) for c, column in columns)]
        for method in ranked
        if method in methods
    ]
    return markdown_table(["method", *map(" ".join, columns)], rows)


def _fronts(wanted: str) -> str:
    name, condition = wanted.split(" | ")
    plan, results = read_plan(Path(f"plans/{name}.yaml")), Results(REPORT)
    rows, words = results.rows(), results.words()
    items = summarize(plan, rows, words)[condition]
    return front_tables(plan, items, rows, words)


MAKERS = {"table": _table, "fronts": _fronts}


def _cell(item: Summary | None, column: str) -> str:
    return COLUMNS[column](item) if item else "-"


if __name__ == "__main__":
    main()
