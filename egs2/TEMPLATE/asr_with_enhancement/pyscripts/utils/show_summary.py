#!/usr/bin/env python3
"""Prints at the end of a run what came out and where it lies.

One row per test set (and per decoding, if there are several): error rates, and each
enhancement score as ``noisy -> enhanced``. Parts that are missing are named together
with the stage that makes them; only if nothing is there at all the exit code is 1.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from asr_counts import read_counts
from rich import box
from rich.console import Console
from rich.table import Table
from sample_wavs import copy_sample
from score_files import ScoreError, c_order, run_tool
from show_enh_score import read_mean, read_pesq

COLUMNS = ("sentences", "WER %", "CER %", "SI-SNR dB", "PESQ", "STOI %")
STAGES = (14, 14, 14, 15, 15, 15)  # what makes each column
PLACES = (
    ("model", "valid.acc.ave.pth", 11),
    ("log", "train.log", 11),
    ("plots", "images", 11),
    ("recognition", "RESULTS.md", 14),
    ("enhancement", "RESULTS_enh.md", 15),
)
PLAIN_WIDTH = 500  # columns: where there is no terminal, no name is cut


def main() -> None:
    """Print the summary of one experiment."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--exp", type=Path, required=True, help="joint experiment")
    parser.add_argument("--dumpdir", type=Path, required=True)
    parser.add_argument("--test_sets", required=True, help="names, space-separated")
    parser.add_argument(
        "--samples", type=int, choices=(0, 1), default=1, help="utterances to copy"
    )
    args = parser.parse_args()

    test_sets = args.test_sets.split()
    rows = [row for name in test_sets for row in set_rows(args.exp, args.dumpdir, name)]
    places = list(describe_places(args.exp))
    if args.samples:
        places.append(describe_samples(args.exp, args.dumpdir, test_sets))
    found_any = any(cell for row in rows for cell in row[2:]) or any(
        there for _, _, there in places
    )
    if not found_any:
        raise ScoreError(f"{args.exp}: nothing there yet; run stage 1 and on")
    print_summary(rows, places)


def set_rows(exp: Path, dumpdir: Path, test_set: str) -> list[list[str]]:
    """Return [set, decoding, *COLUMNS] for each decoding; "" is what is missing."""
    decodings = c_order(
        {path.parents[1].name for path in exp.glob(f"*/{test_set}/score_*/")}
    )
    enhancement = enhancement_cells(
        dumpdir / "raw" / test_set / "scoring", exp / f"enhanced_{test_set}" / "scoring"
    )
    return [
        [test_set, tag, *recognition_cells(exp / tag / test_set), *enhancement]
        for tag in decodings or [""]
    ]


def recognition_cells(decoded_set: Path) -> list[str]:
    """Return the number of sentences, WER and CER in percent; "" if not scored."""
    sentences, rates = "", []
    for kind in ("wer", "cer"):
        path = decoded_set / f"score_{kind}" / "score.json"
        if path.exists():
            counts = read_counts(path)
            sentences = str(counts.sentences)
            rates.append(f"{100 * counts.error_rate:.1f}")
        else:
            rates.append("")
    return [sentences, *rates]


def enhancement_cells(noisy: Path, enhanced: Path) -> list[str]:
    """Return ``noisy -> enhanced`` of SI-SNR, PESQ and STOI, "" if both are missing."""
    pairs = (
        (read_mean(noisy, "SI_SNR"), read_mean(enhanced, "SI_SNR")),
        (read_pesq(noisy), read_pesq(enhanced)),
        (read_mean(noisy, "STOI"), read_mean(enhanced, "STOI")),
    )
    return ["" if pair == ("-", "-") else " -> ".join(pair) for pair in pairs]


def describe_places(exp: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield (what, where or what to do, whether it is there)."""
    for label, name, stage in PLACES:
        there = (exp / name).exists()
        yield label, str(exp / name) if there else _not_there(stage), there


def _not_there(stage: int) -> str:
    return f"not there: run stage {stage}"


def describe_samples(
    exp: Path, dumpdir: Path, test_sets: list[str]
) -> tuple[str, str, bool]:
    """Copy one utterance of the first scored test set; say where, or why not."""
    for name in test_sets:
        raw_set, enhanced_set = dumpdir / "raw" / name, exp / f"enhanced_{name}"
        scored = [
            (folder / "scoring" / "SI_SNR_spk1").exists()
            for folder in (raw_set, enhanced_set)
        ]
        if not all(scored):
            continue
        try:
            utterance, gain = copy_sample(raw_set, enhanced_set, exp / "samples")
        except ScoreError as error:
            return "listen to", f"not copied: {error}", False
        files = exp / "samples" / "{noisy,enhanced,clean}.wav"
        return "listen to", f"{files} ({utterance}, SI-SNR {gain:+.1f} dB)", True
    return "listen to", _not_there(15), False


def print_summary(rows: list[list[str]], places: list[tuple[str, str, bool]]) -> None:
    """Print the table, what is missing in it, and the places."""
    console = Console(highlight=False, markup=False, emoji=False)
    plain = not console.is_terminal
    if plain:
        console = Console(width=PLAIN_WIDTH, markup=False, emoji=False, highlight=False)
    several = len({tag for _, tag, *_ in rows if tag}) > 1
    table = Table(box=box.MARKDOWN if plain else box.ROUNDED)
    for name in ("test set", *(["decoding"] if several else []), *COLUMNS):
        table.add_column(name, justify="left", no_wrap=plain)
    for test_set, tag, *cells in rows:
        shown = [cell or "-" for cell in cells]
        table.add_row(test_set, *([tag] if several else []), *shown)
    console.print(table)
    for line in missing_lines(rows):
        console.print(line, soft_wrap=True)
    for label, text, _ in places:
        console.print(f"{label + ':':<13}{text}", soft_wrap=True)


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
            yield f"{column} of {name}: {_not_there(stage)}{hint}"


if __name__ == "__main__":
    run_tool(main)
