"""The table and the pictures of a comparison of methods, from its ``results.tsv``."""

from collections import defaultdict
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from espnet2.data_dir.tables import DataError
from espnet2.result_page.cells import (
    NOTHING,
    Cell,
    Column,
    Table,
    count_column,
    number,
    score_cell,
    text_cell,
    text_column,
)
from espnet2.result_page.sound import data_uri
from espnet2.results.comparison import read_last_rows
from espnet2.results.tables import to_number

Runs = dict[tuple[str, str, str], list[dict[str, str]]]
ENHANCED = "of the enhanced speech"
FIGURES = {
    "wer": ("WER %", "mean over the seeds and standard deviation", 1),
    "cer": ("CER %", "", 1),
    "si_snr": ("SI-SNR dB", ENHANCED, 2),
    "stoi": ("STOI %", ENHANCED, 1),
    "pesq": ("PESQ", ENHANCED, 2),
    "conflict": ("conflict", "share of the tensors over 90 degrees", 3),
    "rescaled": ("rescaled", "share of the tensors that were rescaled", 3),
    "stretch_p99": ("stretch", "99 % of the factors on G_ASR are below", 1),
}


class Comparison(NamedTuple):
    """The best of each condition in a sentence, the table, and name -> picture URI."""

    sentences: list[str]
    table: Table
    pictures: dict[str, str]


def read_comparison(path: Path) -> Comparison:
    """Return the comparison of a ``results.tsv`` with the PNG pictures beside it.

    Raises:
        DataError: the table cannot be read, is empty, or lacks a column.
    """
    runs = _read_runs(path)
    methods = [key[:2] for key in runs]
    names = [
        text_cell(key[1], key[2] if methods.count(key[:2]) > 1 else "") for key in runs
    ]
    columns = [
        Column("method", "", names, numeric=False),
        text_column("condition", (condition for condition, _ in methods)),
        count_column("seeds", map(len, runs.values())),
        *(
            Column(name, title, [_cell(of, figure, digits) for of in runs.values()])
            for figure, (name, title, digits) in FIGURES.items()
        ),
    ]
    caption = "Methods compared; \u00b1 is one standard deviation over the seeds."
    pictures = {
        picture.stem: data_uri("image/png", picture.read_bytes())
        for picture in sorted(path.parent.glob("*.png"))
    }
    return Comparison(_best(runs), Table("methods", caption, columns), pictures)


def _read_runs(path: Path) -> Runs:
    runs: Runs = defaultdict(list)
    for key, row in read_last_rows(path, FIGURES).items():
        condition, method, _, definition = key
        for name in FIGURES:
            to_number(row[name], f"{path}: {name} of {'/'.join(key)}")
        runs[condition, method, definition].append(row)
    if not runs:
        raise DataError(f"{path}: is empty; no run is done yet")
    return runs


def _cell(runs: list[dict[str, str]], figure: str, digits: int) -> Cell:
    values = [float(run[figure]) for run in runs]
    cell = score_cell(fmean(values), digits)
    if len(values) > 1 and cell.text != NOTHING:
        cell = cell._replace(note=f"\u00b1 {number(stdev(values), digits)}")
    return cell


def _best(runs: Runs) -> list[str]:
    """Say for each condition which method has the fewest word errors."""
    sentences = []
    for condition in dict.fromkeys(key[0] for key in runs):
        means = {
            key: fmean(float(run["wer"]) for run in of_method)
            for key, of_method in runs.items()
            if key[0] == condition
        }
        best = min(means, key=means.__getitem__)
        seeds = len(runs[best])
        sentences.append(
            f"{condition}: of {len(means)} methods {best[1]} has the lowest mean WER, "
            f"{number(means[best], 1)} %, over {seeds} seed{'s' * (seeds > 1)}"
            + (": one training ranks nothing." if seeds == 1 else ".")
        )
    return sentences
