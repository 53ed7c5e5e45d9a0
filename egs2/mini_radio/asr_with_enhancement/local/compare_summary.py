"""Write the table and the picture of a comparison from what its runs have left.

Of ``conf/compare_NAME.yaml`` they are ``RESULTS_NAME.md`` and ``images_NAME.png``.
"""

import argparse
import math
import sys
from collections.abc import Iterable
from pathlib import Path

from compare_picture import draw
from compare_plan import Plan
from compare_results import Results
from compare_statistics import DRAWS, Summary, summarize
from compare_tools import markdown_table
from compare_yaml import read_plan

RECOGNITION = ("WER %", "std", "each seed", "change %", "p", "CER %")
BANDS = ("WER low", "mid", "high CNR", "valid acc")
ENHANCEMENT = ("SI-SNR dB", "std", "SDR dB", "STOI %", "PESQ")
TRAINING = ("conflict", "rescaled", "stretch p50", "p99", "s/step")
NOTES = f"""\
WER: mean over the seeds, its standard deviation (n - 1), and each seed's value. change:
of the mean WER against `{{baseline}}`, over the seeds that both have. p: of the same,
two-sided, paired bootstrap over utterances and seeds ({DRAWS} draws), from two seeds
on; not corrected for the number of methods.
low, mid, high CNR: thirds of the test utterances by carrier-to-noise ratio. valid acc:
share of tokens right, given those before, at the best epoch. conflict, rescaled: of the
shared tensors, averaged over the training. stretch: percentiles over the steps of the
largest factor on the ASR gradient.
"""


def main() -> None:
    """Write both files into the current folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conf", type=Path, required=True, help="the comparison")
    args = parser.parse_args()
    results = Results(Path())
    try:
        plan = read_plan(args.conf)
        summaries = summarize(plan, results.rows(), results.words())
    except ValueError as error:
        sys.exit(f"compare_summary.py: error: {error}")
    if not any(summaries.values()):
        sys.exit(f"compare_summary.py: error: no run of {args.conf} is done yet")
    name = args.conf.stem.removeprefix("compare_")
    table, picture = Path(f"RESULTS_{name}.md"), Path(f"images_{name}.png")
    table.write_text(describe(plan, summaries), encoding="utf-8")
    draw(summaries, picture)
    print(f"Wrote {table} and {picture}")


def describe(plan: Plan, summaries: dict[str, list[Summary]]) -> str:
    """Return the markdown text."""
    done = sum(len(item.rows) for items in summaries.values() for item in items)
    rows = [
        row
        for items in summaries.values()
        for item in items
        for row in item.rows.values()
    ]
    head = [
        f"- base config: `{plan.base_config}`",
        f"- runs: {done} of {len(plan.runs)}",
        f"- commit: {_distinct(row['commit'] for row in rows)}",
        f"- machine: {_distinct(row['machine'] for row in rows)}",
    ]
    sections = [_section(name, items) for name, items in summaries.items() if items]
    notes = NOTES.format(baseline=plan.baseline)
    return "\n".join(["# Gradient methods", "", *head, "", *sections, notes])


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(f"`{value}`" for value in dict.fromkeys(values))


def _section(condition: str, items: list[Summary]) -> str:
    cnr = next(iter(items[0].rows.values()))["cnr"]
    recognition = markdown_table(
        ("method", *RECOGNITION, *BANDS), map(_recognition_cells, items)
    )
    rest = markdown_table(
        ("method", *ENHANCEMENT, *TRAINING), map(_enhancement_cells, items)
    )
    return f"## {condition}: CNR {cnr} dB\n\n{recognition}\n{rest}"


def _recognition_cells(item: Summary) -> list[str]:
    seeds = ", ".join(_cell(float(row["wer"]), 2) for row in item.rows.values())
    return [
        item.method,
        _cell(item.mean["wer"], 2),
        _cell(item.std["wer"], 2),
        seeds,
        _cell(item.change, 1, "+"),
        _cell(item.p_value, 4),
        _cell(item.mean["cer"], 2),
        *(_cell(item.mean[f"wer_{band}"], 1) for band in ("low", "mid", "high")),
        _cell(item.mean["valid_acc"], 3),
    ]


def _enhancement_cells(item: Summary) -> list[str]:
    mean = item.mean
    return [
        item.method,
        _cell(mean["si_snr"], 2),
        _cell(item.std["si_snr"], 2),
        *(_cell(mean[name], digits) for name, digits in (("sdr", 2), ("stoi", 1))),
        _cell(mean["pesq"], 2),
        *(_cell(mean[name], 3) for name in ("conflict", "rescaled")),
        *(_cell(mean[name], 2) for name in ("stretch_p50", "stretch_p99")),
        _cell(mean["step_seconds"], 3),
    ]


def _cell(value: float, digits: int, sign: str = "") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.{digits}f}"


if __name__ == "__main__":
    main()
