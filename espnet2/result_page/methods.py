"""The table of a comparison of methods, from its ``results.tsv``."""

import csv
from collections import defaultdict
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from espnet2.result_page.cells import (
    NOTHING,
    Cell,
    Column,
    Table,
    count_cell,
    number,
    score_cell,
    text_cell,
)
from espnet2.result_page.sound import data_uri

PICTURE = "images_methods.png"
KEY = ("condition", "method", "definition")
FIGURES = (
    ("wer", Column("WER %", "mean over the seeds and standard deviation"), 1),
    ("cer", Column("CER %"), 1),
    ("si_snr", Column("SI-SNR dB", "of the enhanced speech"), 2),
    ("stoi", Column("STOI %", "of the enhanced speech"), 1),
    ("pesq", Column("PESQ", "of the enhanced speech"), 2),
    ("conflict", Column("conflict", "share of the tensors over 90 degrees"), 3),
    ("rescaled", Column("rescaled", "share of the tensors that were rescaled"), 3),
    ("stretch_p99", Column("stretch", "99 % of the factors on G_ASR are below"), 1),
)


class Comparison(NamedTuple):
    """The table, the best of each condition in a sentence, and the picture's URI."""

    sentences: list[str]
    table: Table
    picture: str


def read_comparison(path: Path) -> Comparison:
    """Return the comparison of a ``results.tsv``; the picture is the one beside it.

    Raises:
        ValueError: the table cannot be read, is empty, or lacks a column.
    """
    by_seed = defaultdict(dict)
    for row in _read(path):  # the last row of a run counts
        by_seed[tuple(row[name] for name in KEY)][row["seed"]] = row
    runs = {key: list(of_method.values()) for key, of_method in by_seed.items()}
    columns = [Column(name, numeric=False) for name in ("method", "condition")]
    columns += [Column("seeds"), *(column for _, column, _ in FIGURES)]
    methods = [key[:2] for key in runs]
    rows = [
        _row(key, of_method, is_ambiguous=methods.count(key[:2]) > 1)
        for key, of_method in runs.items()
    ]
    caption = "Methods compared; \u00b1 is one standard deviation over the seeds."
    picture = path.with_name(PICTURE)
    uri = data_uri("image/png", picture.read_bytes()) if picture.exists() else ""
    return Comparison(_best(runs), Table("methods", caption, columns, rows), uri)


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows, found = list(table), set(table.fieldnames or ())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None
    lacking = {*KEY, "seed", *(name for name, _, _ in FIGURES)} - found
    if lacking or not rows:
        what = (
            f"lacks the columns {', '.join(sorted(lacking))}" if lacking else "is empty"
        )
        raise ValueError(f"{path}: {what}; local/compare_methods.sh writes it")
    for line, row in enumerate(rows, start=2):
        try:
            for name, _, _ in FIGURES:
                float(row[name])
        except (TypeError, ValueError):
            raise ValueError(f"{path}:{line}: {name}: expected a number") from None
    return rows


def _row(
    key: tuple[str, ...], runs: list[dict[str, str]], is_ambiguous: bool
) -> list[Cell]:
    condition, method, definition = key
    name = text_cell(method, definition if is_ambiguous else "")
    cells = [name, text_cell(condition), count_cell(len(runs))]
    for name, _, digits in FIGURES:
        values = [float(run[name]) for run in runs]
        cell = score_cell(fmean(values), digits)
        if len(values) > 1 and cell.text != NOTHING:
            cell = cell._replace(note=f"\u00b1 {number(stdev(values), digits)}")
        cells.append(cell)
    return cells


def _best(runs: dict[tuple[str, ...], list[dict[str, str]]]) -> list[str]:
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
