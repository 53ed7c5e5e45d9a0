#!/usr/bin/env python3
"""Prints the recognition results of one or several experiments as markdown.

The form is that of ESPnet's RESULTS.md. The figures come from
``<experiment>/<inference tag>/<set>/score_{wer,cer,ter}/score.json``.
"""

import argparse
from pathlib import Path

from asr_counts import read_counts
from run_environment import config_and_seed, describe_environment
from sclite_table import percentages
from score_files import ScoreError, c_order, markdown_table, run_tool

HEADER = ("dataset", "Snt", "Wrd", "Corr", "Sub", "Del", "Ins", "Err", "S.Err")
KINDS = ("wer", "cer", "ter")


def main() -> None:
    """Print the results below one folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("exp_dir", type=Path, help="an experiment or a folder of them")
    args = parser.parse_args()

    experiments = find_experiments(args.exp_dir)
    if not experiments:
        raise ScoreError(
            f"{args.exp_dir}: has no <inference tag>/<set>/score_wer/score.json, nor "
            "has a folder in it; run stage 14"
        )
    sections = [describe_experiment(folder) for folder in experiments]
    lines = [f"- {name}: `{text}`\n" for name, text in describe_environment().items()]
    print(f"# RESULTS\n## Environments\n{''.join(lines)}\n{''.join(sections)}", end="")


def find_experiments(folder: Path) -> list[Path]:
    """Return ``folder`` and the folders in it that have scores, sorted."""
    candidates = [folder, *folder.glob("*/")]
    return sorted(path for path in candidates if any(find_scores(path).values()))


def find_scores(exp_dir: Path) -> dict[str, dict[str, Path]]:
    """Return kind (wer, cer, ter) -> ``<inference tag>/<set>`` -> its score.json."""
    scores: dict[str, dict[str, Path]] = {}
    for kind in KINDS:
        found = {
            str(path.parent.parent.relative_to(exp_dir)): path
            for path in exp_dir.glob(f"*/*/score_{kind}/score.json")
        }
        scores[kind] = {name: found[name] for name in c_order(found)}
    return scores


def describe_experiment(exp_dir: Path) -> str:
    """Return the markdown section of one experiment: its config, then its tables."""
    config, seed = config_and_seed(exp_dir)
    parts = [f"## {exp_dir}\n- config: `{config}`\n- seed: `{seed}`\n\n"]
    for kind, scores in find_scores(exp_dir).items():
        if scores:
            rows = [result_row(name, path) for name, path in scores.items()]
            parts.append(f"### {kind.upper()}\n\n{markdown_table(HEADER, rows)}\n")
    return "".join(parts)


def result_row(name: str, path: Path) -> list[object]:
    """Return one line of a table; the six last figures are in percent."""
    counts = read_counts(path)
    return [name, counts.sentences, counts.reference_units, *percentages(counts)]


if __name__ == "__main__":
    run_tool(main)
