#!/usr/bin/env python3
"""Prints the enhancement scores of all sets below a folder as markdown.

A set is a folder with ``scoring/result_<metric>.txt``: ``enhanced_<set>`` in an
experiment (the enhanced speech), ``<set>`` in ``dump/raw`` (the noisy speech). Sets
are found in the folder itself and up to two levels below it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, run_cli
from espnet2.results.enhancement import read_mean, read_pesq
from espnet2.results.tables import markdown_table

METRICS = ("STOI", "SAR", "SDR", "SIR", "SI_SNR")
UNITS = """\
STOI in per cent; SAR, SDR, SIR and SI_SNR in dB; PESQ is MOS-LQO, narrow band (nb) at
8 kHz and wide band (wb) at 16 kHz, which must not be compared with each other.
With one speaker SIR is infinite and SAR equals SDR: nothing interferes.
"""


def main(cmd: Sequence[str]) -> None:
    """Print the table of one folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dir", type=Path, help="an experiment or dump/raw")
    folder = parser.parse_args(cmd).dir

    found = find_scoring(folder)
    if not found:
        raise DataError(f"{folder}: has no scoring/result_*.txt; run stage 15")
    rows = [
        [name, read_pesq(scoring), *(read_mean(scoring, metric) for metric in METRICS)]
        for name, scoring in sorted(found.items())
    ]
    print(f"# RESULTS\n## {folder}\n")
    print(markdown_table(("dataset", "PESQ", *METRICS), rows))
    print(UNITS, end="")


def find_scoring(folder: Path) -> dict[str, Path]:
    """Return set name -> its ``scoring`` folder.

    Where sets lie two levels down, the name holds both: ``<exp>/enhanced_<set>``.
    """
    found = {}
    for pattern in ("", "*/", "*/*/"):
        for result in folder.glob(f"{pattern}scoring/result_*.txt"):
            set_dir = result.parent.parent
            name = folder.resolve().name if set_dir == folder else ""
            found[name or str(set_dir.relative_to(folder))] = result.parent
    return found


if __name__ == "__main__":
    run_cli(main)
