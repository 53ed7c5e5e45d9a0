#!/usr/bin/env python3
"""Check a data folder: its tables against each other, then every audio file.

Found are: what ``validate_data_dir.sh`` finds; audio that cannot be decoded or has no
samples or samples that are no finite numbers; another sampling rate than ``--fs``; and
a clean reference whose length or rate is not that of the noisy speech. All problems are
collected, and each names the file and the utterance.
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from espnet2.data_dir.audio import (
    Channel,
    open_audio,
    parse_channel,
    parse_rate,
    read_audio,
)
from espnet2.data_dir.layout import scp_tables
from espnet2.data_dir.tables import (
    DataError,
    Table,
    first_lines,
    log,
    read_table,
    run_cli,
)
from espnet2.data_dir.validate import validate


def check_utterance(
    key: str,
    tables: dict[str, Table],
    rate: int | None,
    channel: Channel = None,
    count: int = 1,
) -> list[str]:
    """Say what is wrong with the audio of one utterance (recording, with segments).

    ``tables`` has ``wav.scp`` first, then the references; a ``rate`` (Hz) is demanded,
    and of ``wav.scp`` ``count`` channels if all are taken.
    """
    problems: list[str] = []
    noisy: tuple[int, int] | None = None
    for name, table in tables.items():
        if key not in table:
            continue
        try:
            samples, found = read_audio(table[key], channel)
        except DataError as error:
            problems.append(f"{name}: {key}: {error}")
            continue
        if rate is not None and found != rate:
            problems.append(f"{name}: {key}: {table[key]} is at {found} Hz, not {rate}")
        if noisy is None and name == "wav.scp":
            noisy = (len(samples), found)
            own = samples.shape[1] if samples.ndim == 2 else 1
            if channel == "all" and own != count:
                problems.append(
                    f"{name}: {key}: channels: {own}, but {count} elsewhere"
                )
        elif noisy is not None and noisy != (len(samples), found):
            problems.append(
                f"{name}: {key}: {len(samples)} samples at {found} Hz, but the noisy "
                f"speech of wav.scp has {noisy[0]} at {noisy[1]} Hz"
            )
    return problems


def first_channels(scp: Table) -> int:
    """Return how many channels the first readable file has; 1 where there is none."""
    for source in scp.values():
        with suppress(DataError), open_audio(source) as file:
            return file.channels
    return 1


def check(folder: Path, rate: int | None, channel: Channel, threads: int) -> int:
    """Return the number of entries of ``wav.scp``, or raise all problems at once."""
    # The joint model reads text_spk1; Kaldi's own text may be there as well.
    validate(folder, skip=["text"] if (folder / "text_spk1").exists() else [])
    names = sorted(scp_tables(folder), key="wav.scp".__ne__)  # the noisy speech first
    tables = {name: read_table(folder / name) for name in names}
    keys = sorted(tables["wav.scp"])
    count = first_channels(tables["wav.scp"]) if channel == "all" else 1
    with ThreadPoolExecutor(max_workers=threads) as pool:
        results = pool.map(
            lambda key: check_utterance(key, tables, rate, channel, count), keys
        )
        what = f"audio of {folder}"  # no bar is shown where there is no terminal
        shown = tqdm(results, what, len(keys), leave=False, disable=None)
        problems = [problem for result in shown for problem in result]
    if problems:
        raise DataError(f"bad audio in {folder}:\n  {first_lines(problems)}")
    return len(keys)


def main(arguments: Sequence[str]) -> None:
    """Check the folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fs", help="sampling rate demanded: 8000, 8k, 16k...")
    parser.add_argument(
        "--ref_channel", type=parse_channel, help="channel to take, from 0, or all"
    )
    parser.add_argument("--nj", type=int, default=4, help="files read at a time")
    parser.add_argument("data_dir", type=Path)
    args = parser.parse_args(arguments)
    rate = parse_rate(args.fs) if args.fs else None
    count = check(args.data_dir, rate, args.ref_channel, args.nj)
    log(f"{args.data_dir}: the audio of {count} entries is good")


if __name__ == "__main__":
    run_cli(main)
