#!/usr/bin/env python3
"""Prints the enhancement scores of all sets below a folder as markdown.

A set is a folder with ``scoring/result_<metric>.txt``: ``enhanced_<set>`` in an
experiment (the enhanced speech), ``<set>`` in ``dump/raw`` (the noisy speech). Sets
are found in the folder itself and up to two levels below it.
"""

import argparse
from pathlib import Path

from score_files import ScoreError, c_order, markdown_table, run_tool

METRICS = ("PESQ", "STOI", "SAR", "SDR", "SIR", "SI_SNR")
UNITS = """\
STOI in per cent; SAR, SDR, SIR and SI_SNR in dB; PESQ is MOS-LQO, narrow band (nb) at
8 kHz and wide band (wb) at 16 kHz, which must not be compared with each other.
With one speaker SIR is infinite and SAR equals SDR: nothing interferes.
"""


def main() -> None:
    """Print the table of one folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dir", type=Path, help="an experiment or dump/raw")
    args = parser.parse_args()

    rows = [[name, *read_row(folder)] for name, folder in find_scoring(args.dir)]
    if not rows:
        raise ScoreError(f"{args.dir}: has no scoring/result_*.txt; run stage 15")
    print(f"# RESULTS\n## {args.dir}\n")
    print(markdown_table(("dataset", *METRICS), rows))
    print(UNITS, end="")


def find_scoring(folder: Path) -> list[tuple[str, Path]]:
    """Return (set name, its ``scoring`` folder), sorted by name.

    Where sets lie two levels down, the name holds both: ``<exp>/enhanced_<set>``.
    """
    found = {}
    for pattern in ("", "*/", "*/*/"):
        for result in folder.glob(f"{pattern}scoring/result_*.txt"):
            set_dir = result.parent.parent
            name = folder.resolve().name if set_dir == folder else ""
            name = name or str(set_dir.relative_to(folder))
            found[name] = result.parent
    return [(name, found[name]) for name in c_order(found)]


def read_row(scoring: Path) -> list[str]:
    """Return the scores in the order of ``METRICS``, "-" for one that is not there."""
    return [read_pesq(scoring), *(read_mean(scoring, name) for name in METRICS[1:])]


def read_pesq(scoring: Path) -> str:
    """Return the mean PESQ with its mode, e.g. ``2.51 nb``."""
    found = {mode: read_mean(scoring, f"PESQ_{mode}") for mode in ("nb", "wb")}
    texts = [f"{mean} {mode}" for mode, mean in found.items() if mean != "-"]
    return " / ".join(texts) or "-"


def read_mean(scoring: Path, metric: str) -> str:
    """Return what ``result_<metric>.txt`` says, "-" where there is none."""
    path = scoring / f"result_{metric.lower()}.txt"
    if not path.exists():
        return "-"
    text = path.read_text(encoding="utf-8").strip()
    if len(text.split()) != 1:
        raise ScoreError(f"{path}: expected one number, found '{text}'; run stage 15")
    return text


if __name__ == "__main__":
    run_tool(main)
