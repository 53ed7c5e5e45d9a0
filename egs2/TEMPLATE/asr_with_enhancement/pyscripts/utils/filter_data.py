#!/usr/bin/env python3
"""Copy a data folder without utterances that are too short, too long or have no text.

An utterance stays if its length is strictly above the least and strictly below the most
and its ``text`` (and ``text_spk1``, if there) is not empty. The folder is made under
another name and renamed, so it is whole or not there.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from espnet2.data_dir.audio import parse_rate
from espnet2.data_dir.folders import whole_folder
from espnet2.data_dir.layout import utterance_tables, write_tables
from espnet2.data_dir.tables import DataError, Table, log, read_table, run_cli


def choose(
    lengths: Table, texts: Sequence[Table], rate: int, shortest: float, longest: float
) -> tuple[set[str], dict[str, int]]:
    """Utterances to keep, and how many are dropped for which reason.

    Lengths are in samples at ``rate`` (Hz), the limits in s; each of the ``texts`` must
    have words.
    """
    kept: set[str] = set()
    dropped = {"too short": 0, "too long": 0, "without text": 0}
    for key, samples in lengths.items():
        seconds = int(samples) / rate
        if seconds <= shortest:
            dropped["too short"] += 1
        elif seconds >= longest:
            dropped["too long"] += 1
        elif not all(text.get(key) for text in texts):
            dropped["without text"] += 1
        else:
            kept.add(key)
    return kept, dropped


def filter_folder(
    source: Path, target: Path, rate: int, shortest: float, longest: float
) -> None:
    """Make the data folder ``target``."""
    tables = {name: read_table(source / name) for name in utterance_tables(source)}
    if "utt2num_samples" not in tables:
        raise DataError(f"{source}/utt2num_samples is missing")
    for name, table in tables.items():
        lacking = tables["utt2num_samples"].keys() - table.keys()
        if lacking:
            raise DataError(f"{source / name} lacks utterance {min(lacking)}")
    texts = [table for name, table in tables.items() if name.startswith("text")]
    lengths = tables["utt2num_samples"]
    kept, dropped = choose(lengths, texts, rate, shortest, longest)
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    limits = f"limits {shortest:g} s and {longest:g} s"
    if not kept:
        raise DataError(f"{source}: no utterance remains: {reasons} ({limits})")
    with whole_folder(target) as new:
        chosen = {n: {key: tables[n][key] for key in kept} for n in tables}
        write_tables(new, chosen)
        shutil.copy2(source / "feats_type", new / "feats_type")
    log(f"{target}: kept {len(kept)} of {len(lengths)}; dropped {reasons} ({limits})")


def main(arguments: Sequence[str]) -> None:
    """Filter the folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", required=True, help="sampling rate: 8000, 8k, 16k...")
    parser.add_argument("--min_wav_duration", type=float, required=True, help="s")
    parser.add_argument("--max_wav_duration", type=float, required=True, help="s")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args(arguments)
    limits = (args.min_wav_duration, args.max_wav_duration)
    filter_folder(args.source, args.target, parse_rate(args.fs), *limits)


if __name__ == "__main__":
    run_cli(main)
