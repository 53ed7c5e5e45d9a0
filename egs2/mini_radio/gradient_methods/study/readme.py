"""Make the tables of markdown pages anew: python3 -m study.readme <page> ...

A table stands between ``<!-- table: <plan> | <condition>: <column>, ... | ... -->`` and
``<!-- end of table -->``; ``methods: <name>, ...`` in place of a condition chooses the
methods. The rows are sorted by the WER under the condition named first.
"""

import re
from pathlib import Path

from espnet2.data_dir.tables import DataError, run_cli
from espnet2.results.comparison import Results
from espnet2.results.tables import markdown_table
from study.columns import COLUMNS
from study.plan import REPORT
from study.plan_file import read_plan
from study.statistics import Summary, summarize

TABLE = re.compile(r"<!-- table: (.+) -->\n(?:\|.*\n)*<!-- end of table -->")


def main(pages: list[str]) -> None:
    """Write the pages that have changed."""
    for page in map(Path, pages):
        text = page.read_text(encoding="utf-8")
        renewed = renew_tables(text)
        if renewed != text:
            page.write_text(renewed, encoding="utf-8")
            print(f"Wrote the tables of {page}")


def renew_tables(text: str) -> str:
    """Return a page with its tables made from the present rows.

    Raises:
        DataError: a table names a plan, condition or column that does not exist.
    """
    return TABLE.sub(
        lambda found: (
            f"<!-- table: {found[1]} -->\n{_table(found[1])}<!-- end of table -->"
        ),
        text,
    )


def _table(wanted: str) -> str:
    name, *parts = wanted.split(" | ")
    shown = {key: names.split(", ") for key, names in (p.split(": ") for p in parts)}
    methods = shown.pop("methods", None)
    results = Results(REPORT)
    plan = read_plan(Path("plans") / f"{name}.yaml")
    found = summarize(plan, results.rows(), results.words())
    unknown = {*shown} - {*found} | {c for names in shown.values() for c in names} - {
        *COLUMNS
    }
    if unknown:
        raise DataError(f"table {wanted}: there is no {', '.join(sorted(unknown))}")
    items = {name: {item.method: item for item in found[name]} for name in shown}
    first = next(iter(items.values()))
    ranked = sorted(first.values(), key=lambda item: item.mean["wer"])
    chosen = [
        item.method for item in ranked if methods is None or item.method in methods
    ]
    columns = [
        (condition, column) for condition in shown for column in shown[condition]
    ]
    rows = [
        [
            f"`{m}`",
            *(_cell(items[condition].get(m), column) for condition, column in columns),
        ]
        for m in chosen
    ]
    return markdown_table(["method", *(" ".join(pair) for pair in columns)], rows)


def _cell(item: Summary | None, column: str) -> str:
    return COLUMNS[column](item) if item else "-"


if __name__ == "__main__":
    run_cli(main)
