"""Write the tables and the picture of a plan to report/ from the rows there."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from espnet2.results.comparison import Results
from espnet2.results.intervals import TEST_DRAWS
from espnet2.results.tables import markdown_table
from study.columns import COLUMNS
from study.front_picture import draw_fronts
from study.front_table import describe_fronts, has_fronts
from study.picture import draw
from study.plan import REPORT, Plan
from study.plan_file import read_plan
from study.statistics import Rows, Summary, Words, summarize

RECOGNITION = (
    *("method", "WER %", "WER std", "each seed", "change %", "p", "CER %"),
    *("WER low", "mid", "high CNR", "valid acc"),
)
ENHANCEMENT = (
    *("method", "SI-SNR dB", "SI-SNR std", "SDR dB", "STOI %", "PESQ"),
    *("conflict", "rescaled", "stretch p50", "p99", "s/step"),
)
TITLES = {"WER std": "std", "SI-SNR std": "std"}
NOTES = """\
WER: mean over the seeds, its standard deviation (n - 1), and each seed's value. change:
of the mean WER against `{baseline}`, over the seeds that both have. p: of the same,
two-sided, paired bootstrap over utterances and seeds ({draws} draws), from two seeds
on; not corrected for the number of methods.
low, mid, high CNR: thirds of the test utterances by carrier-to-noise ratio. valid acc:
share of tokens right, given those before, at the best epoch. conflict, rescaled: of the
shared tensors, averaged over the training. stretch: percentiles over the steps of the
largest factor on the ASR gradient.
"""


def main() -> None:
    """Write both files, which are named after the plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True)
    path = parser.parse_args().plan
    results = Results(REPORT)
    try:
        plan = read_plan(path)
        rows, words = results.rows(), results.words()
        summaries = summarize(plan, rows, words)
    except ValueError as error:
        sys.exit(f"run.sh: error: {error}")
    if not any(summaries.values()):
        sys.exit(f"run.sh: error: no run of {path} is done yet")
    table, picture = (REPORT / f"{path.stem}{end}" for end in (".md", ".png"))
    table.write_text(describe(plan, summaries, rows, words), encoding="utf-8")
    (draw_fronts if has_fronts(plan) else draw)(summaries, picture)
    print(f"Wrote {table} and {picture}")


def describe(
    plan: Plan, summaries: dict[str, list[Summary]], rows: Rows, words: Words
) -> str:
    """Return the markdown text."""
    items = [item for of_condition in summaries.values() for item in of_condition]
    shown = [row for item in items for row in item.rows.values()]
    head = [
        f"- base config: `{plan.base_config}`",
        f"- runs: {len(shown)} of {len(plan.runs)}",
        f"- commit: {_distinct(row['commit'] for row in shown)}",
        f"- machine: {_distinct(row['machine'] for row in shown)}",
    ]
    sections = [_section(name, items) for name, items in summaries.items() if items]
    notes = NOTES.format(baseline=plan.baseline, draws=TEST_DRAWS)
    text = "\n".join(["# Gradient methods", "", *head, "", *sections, notes])
    return text + (_fronts(plan, summaries, rows, words) if has_fronts(plan) else "")


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(f"`{value}`" for value in dict.fromkeys(values))


def _section(condition: str, items: list[Summary]) -> str:
    cnr = next(iter(items[0].rows.values()))["cnr"]
    tables = (_table(names, items) for names in (RECOGNITION, ENHANCEMENT))
    return f"## {condition}: CNR {cnr} dB\n\n" + "\n".join(tables)


def _fronts(
    plan: Plan, summaries: dict[str, list[Summary]], rows: Rows, words: Words
) -> str:
    parts = [
        f"\n## {name}: at equal SI-SNR\n\n{describe_fronts(plan, items, rows, words)}"
        for name, items in summaries.items()
        if items
    ]
    return "".join(parts)


def _table(names: tuple[str, ...], items: list[Summary]) -> str:
    header = [TITLES.get(name, name) for name in names]
    return markdown_table(header, ([COLUMNS[n](item) for n in names] for item in items))


if __name__ == "__main__":
    main()
