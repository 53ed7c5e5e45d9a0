"""Add the row of a tested run to the results and say what it is."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import run_cli
from espnet2.results.comparison import Results
from study.plan import REPORT
from study.plan_file import read_plan
from study.scores import collect_row


def main(words: Sequence[str]) -> None:
    """Add the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--environment", type=Path, required=True, help="as trained")
    parser.add_argument("target", type=Path, help="a file in the run's folder")
    args = parser.parse_args(words)
    plan = read_plan(args.plan)
    (run,) = (run for run in plan.runs if run.folder == args.target.parent)
    environment = json.loads(args.environment.read_text(encoding="utf-8"))
    row, counts = collect_row(run, Path(plan.base_config).name, environment)
    Results(REPORT).add(row, counts)
    print(f"{run.label}: WER {float(row['wer']):.2f} %, SI-SNR {row['si_snr']} dB")


if __name__ == "__main__":
    run_cli(main)
