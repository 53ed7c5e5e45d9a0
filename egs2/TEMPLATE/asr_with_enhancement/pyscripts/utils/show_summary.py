#!/usr/bin/env python3
"""Prints at the end of a run what came out and where it lies.

One row per test set (and per decoding, if there are several): error rates, and each
enhancement score as ``noisy -> enhanced``. Then one row per recogniser, seen in
training or not, if others than the joint model have heard the sets. Parts that are
missing are named together with the stage that makes them; only if nothing is there at
all the exit code is 1.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from espnet2.data_dir.tables import DataError, run_cli
from espnet2.results.alignment import read_counts
from espnet2.results.enhancement import ENH_TAG, read_mean, read_pesq
from espnet2.results.recognisers import Listener, find_listeners
from espnet2.results.sample import copy_sample

COLUMNS = ("sentences", "WER %", "CER %", "SI-SNR dB", "PESQ", "STOI %")
STAGES = (14, 14, 14, 15, 15, 15)  # what makes each column
PLACES = (
    ("model", "valid.acc.ave.pth", 11),
    ("log", "train.log", 11),
    ("plots", "images", 11),
    ("recognition", "RESULTS.md", 14),
    ("enhancement", "RESULTS_enh.md", 15),
)
LISTENERS = ("recogniser", "training", "noisy share", "test set", "WER %", "CER %")
PLAIN_WIDTH = 500  # columns: where there is no terminal, no name is cut


def main(cmd: Sequence[str]) -> None:
    """Print the summary of one experiment."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--exp", type=Path, required=True, help="joint experiment")
    parser.add_argument("--dumpdir", type=Path, required=True)
    parser.add_argument("--test_sets", required=True, help="names, space-separated")
    parser.add_argument("--enh_tag", default=ENH_TAG, help="--inference_enh_tag")
    parser.add_argument(
        "--samples", type=int, choices=(0, 1), default=1, help="utterances to copy"
    )
    args = parser.parse_args(cmd)

    test_sets = args.test_sets.split()
    noisy, enhanced = args.dumpdir / "raw", f"{args.enh_tag}_"
    sides = {name: (noisy / name, args.exp / (enhanced + name)) for name in test_sets}
    rows = [row for name in test_sets for row in set_rows(args.exp, name, *sides[name])]
    is_there = [(args.exp / name).exists() for _, name, _ in PLACES]
    places = {
        label: str(args.exp / name) if there else _stage(stage)
        for (label, name, stage), there in zip(PLACES, is_there, strict=True)
    }
    if args.samples:
        places["listen to"] = describe_samples(args.exp, list(sides.values()))
    if not any(is_there) and not any(cell for row in rows for cell in row[2:]):
        raise DataError(f"{args.exp}: nothing there yet; run stage 1 and on")
    listeners = [x for x in find_listeners(args.exp) if x.set_name in test_sets]
    print_summary(rows, places, list(map(listener_row, listeners)))


def _stage(number: int) -> str:
    return f"not there: run stage {number}"


def set_rows(exp: Path, test_set: str, noisy: Path, enhanced: Path) -> list[list[str]]:
    """Return [set, decoding, *COLUMNS] for each decoding; "" is what is missing."""
    decodings = {path.parents[1].name for path in exp.glob(f"*/{test_set}/score_*/")}
    enhancement = enhancement_cells(noisy / "scoring", enhanced / "scoring")
    return [
        [test_set, tag, *recognition_cells(exp / tag / test_set), *enhancement]
        for tag in sorted(decodings) or [""]
    ]


def recognition_cells(decoded_set: Path) -> list[str]:
    """Return the number of sentences, WER and CER in percent; "" if not scored."""
    sentences, rates = "", []
    for kind in ("wer", "cer"):
        path = decoded_set / f"score_{kind}" / "score.json"
        counts = read_counts(path) if path.exists() else None
        rates.append(f"{100 * counts.error_rate:.1f}" if counts else "")
        sentences = str(counts.sentences) if counts else sentences
    return [sentences, *rates]


def enhancement_cells(noisy: Path, enhanced: Path) -> list[str]:
    """Return ``noisy -> enhanced`` of SI-SNR, PESQ and STOI, "" if both are missing."""
    sides = [
        (read_mean(scoring, "SI_SNR"), read_pesq(scoring), read_mean(scoring, "STOI"))
        for scoring in (noisy, enhanced)
    ]
    pairs = zip(*sides, strict=True)
    return ["" if pair == ("-", "-") else " -> ".join(pair) for pair in pairs]


def describe_samples(exp: Path, pairs: list[tuple[Path, Path]]) -> str:
    """Copy an utterance of the first scored pair of noisy and enhanced folders."""
    for sides in pairs:
        if not all((side / "scoring" / "SI_SNR_spk1").exists() for side in sides):
            continue
        try:
            utterance, gain = copy_sample(*sides, exp / "samples")
        except DataError as error:
            return f"not copied: {error}"
        files = exp / "samples" / "{noisy,enhanced,clean}.wav"
        return f"{files} ({utterance}, SI-SNR {gain:+.1f} dB)"
    return _stage(15)


def listener_row(listener: Listener) -> list[str]:
    """Return the cells of LISTENERS, the rates as ``noisy -> enhanced``."""
    what = [listener.name, listener.kind, listener.share or "-", listener.set_name]
    for kind in ("wer", "cer"):
        sides = (listener.counts(heard, kind) for heard in ("noisy", "enhanced"))
        what.append(
            " -> ".join(
                f"{100 * side.error_rate:.1f}" if side else "-" for side in sides
            )
        )
    return what


def print_summary(
    rows: list[list[str]], places: dict[str, str], listeners: list[list[str]]
) -> None:
    """Print the tables, what is missing in the first, and the places."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    several = len({tag for _, tag, *_ in rows if tag}) > 1
    columns = ("test set", *["decoding"] * several, *COLUMNS)
    cells = [[name, *[tag] * several, *rest] for name, tag, *rest in rows]
    print_table(console, columns, cells)
    if listeners:
        print_table(console, LISTENERS, listeners)
    lines = [f"{label + ':':<13}{text}" for label, text in places.items()]
    for line in (*missing_lines(rows), *lines):
        console.print(line, soft_wrap=True)


def print_table(
    console: Console, columns: Sequence[str], rows: list[list[str]]
) -> None:
    """Print a table, as markdown where there is no terminal."""
    plain = not console.is_terminal
    table = Table(box=box.MARKDOWN if plain else box.ROUNDED)
    for name in columns:
        table.add_column(name, justify="left", no_wrap=plain)
    for cells in rows:
        table.add_row(*(cell or "-" for cell in cells))
    console.print(table)


def missing_lines(rows: list[list[str]]) -> Iterator[str]:
    """Yield one line for each gap in the table, with the stage to run.

    PESQ is optional: it is missed only where SI-SNR is missing too.
    """
    for test_set, tag, *cells in rows:
        gaps = {
            column.split()[0]: stage
            for column, stage, cell in zip(COLUMNS, STAGES, cells, strict=True)
            if column != "sentences" and (not cell or "-" in cell.split(" -> "))
        }
        if "SI-SNR" not in gaps:
            gaps.pop("PESQ", None)
        for column, stage in gaps.items():
            name = f"{tag}/{test_set}" if tag and stage == 14 else test_set
            hint = " (a set without clean speech has none)" if stage == 15 else ""
            yield f"{column} of {name}: {_stage(stage)}{hint}"


if __name__ == "__main__":
    run_cli(main)
