#!/usr/bin/env python3
"""Prints the recognition results of one or several experiments as markdown.

The form is that of ESPnet's RESULTS.md. The figures come from
``<experiment>/<inference tag>/<set>/score_{wer,cer,ter}/score.json``.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, run_cli
from espnet2.results.alignment import read_counts
from espnet2.results.facts import describe_environment, read_facts
from espnet2.results.sclite import percentages
from espnet2.results.tables import markdown_table

HEADER = ("dataset", "Snt", "Wrd", "Corr", "Sub", "Del", "Ins", "Err", "S.Err")


def main(cmd: Sequence[str]) -> None:
    """Print the results below one folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("exp_dir", type=Path, help="an experiment or a folder of them")
    folder = parser.parse_args(cmd).exp_dir

    tables = {exp: list(score_tables(exp)) for exp in [folder, *folder.glob("*/")]}
    sections = [
        describe_experiment(exp) + "".join(tables[exp])
        for exp in sorted(tables)
        if tables[exp]
    ]
    if not sections:
        raise DataError(
            f"{folder}: has no <inference tag>/<set>/score_wer/score.json, nor "
            "has a folder in it; run stage 14"
        )
    lines = [f"- {name}: `{text}`\n" for name, text in describe_environment().items()]
    print(f"# RESULTS\n## Environments\n{''.join(lines)}\n{''.join(sections)}", end="")


def describe_experiment(exp: Path) -> str:
    """Return the head of an experiment's section."""
    facts = read_facts(exp)
    return f"## {exp}\n- config: `{facts['config']}`\n- seed: `{facts['seed']}`\n\n"


def score_tables(exp: Path) -> Iterator[str]:
    """Yield a table for each kind that is scored; six last columns are per cent."""
    for kind in ("wer", "cer", "ter"):
        rows = []
        found = (path.parents[1] for path in exp.glob(f"*/*/score_{kind}/score.json"))
        for decoded in sorted(found, key=str):
            counts = read_counts(decoded / f"score_{kind}" / "score.json")
            sizes = (counts.sentences, counts.reference_units)
            rows.append([decoded.relative_to(exp), *sizes, *percentages(counts)])
        if rows:
            yield f"### {kind.upper()}\n\n{markdown_table(HEADER, rows)}\n"


if __name__ == "__main__":
    run_cli(main)
