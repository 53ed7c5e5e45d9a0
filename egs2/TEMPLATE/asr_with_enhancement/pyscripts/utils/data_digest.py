#!/usr/bin/env python3
"""Prints a short digest of data folders: other for other data, same if made anew.

It is of all utterances and texts, and of the audio of at most 20: a corpus that is made
with other options has other audio everywhere, and to read all of a large one takes
minutes. Where files lie does not count.
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from espnet2.data_dir.tables import read_table, run_cli

LISTENED = 20  # utterances of a folder at most, evenly spaced


def contents(folder: Path, tables: Sequence[str]) -> Iterator[bytes]:
    """What the digest of a folder is made of."""
    for key, text in read_table(folder / "text_spk1").items():
        yield f"{key} {text}\n".encode()
    for name in tables:
        entries = list(read_table(folder / name).values())
        for entry in entries[:: -(-len(entries) // LISTENED)]:
            # Or it is a command of the user's, or a place in an archive.
            is_file = not entry.endswith("|") and Path(entry).is_file()
            yield Path(entry).read_bytes() if is_file else entry.encode()


def main(arguments: Sequence[str]) -> None:
    """Print the digest of the folders given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--tables", nargs="+", required=True, help="wav.scp, spk1.scp")
    args = parser.parse_args(arguments)
    digest = hashlib.md5(usedforsecurity=False)
    for folder in args.folders:
        for part in contents(folder, args.tables):
            digest.update(part)
    print(digest.hexdigest())


if __name__ == "__main__":
    run_cli(main)
