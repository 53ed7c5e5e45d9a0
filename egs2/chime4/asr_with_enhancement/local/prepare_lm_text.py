"""Write the text to train the language model on: transcripts and WSJ's newspaper text.

WSJ0 and WSJ1 bring the text of 1987 to 1989 in ``lng_modl/lm_train/np_data/{87,88,89}``
as packed files of one sentence a line between marks in angle brackets. Without them
the transcripts alone are taken, and that is said.
"""

import argparse
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from espnet2.data_dir.folders import walk_files
from espnet2.data_dir.tables import DataError, log, read_table, run_cli, write_lines

YEARS = ("87", "88", "89")


def find_packed(roots: Iterable[Path]) -> list[Path]:
    """The packed text files of the first root that has any, sorted."""
    for root in roots:
        found = [
            path
            for path in walk_files([root])
            if path.suffix.lower() == ".z"
            and path.parent.name in YEARS
            and path.parent.parent.name.lower() == "np_data"
        ]
        if found:
            return found
    return []


def unpack(path: Path) -> Iterator[str]:
    """Sentences in upper case; gzip reads the older packings of the discs too."""
    with path.open("rb") as file:
        done = subprocess.run(["gzip", "-dc"], stdin=file, capture_output=True)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise DataError(f"{path}: {reason}")
    try:
        text = done.stdout.decode("ascii")
    except UnicodeDecodeError:
        raise DataError(f"{path}: not ASCII text") from None
    for line in text.splitlines():
        words = line.upper().split()
        if words and "<" not in line:
            yield " ".join(words)


def collect(transcripts: Path, packed: Sequence[Path]) -> Iterator[str]:
    """Lines ``<id> <text>``: the transcripts, then the newspaper text."""
    for key, text in read_table(transcripts).items():
        yield f"{key} {text}"
    number = 0
    for path in packed:
        for sentence in unpack(path):
            number += 1
            yield f"wsj_lng_{number:07d} {sentence}"


def main(arguments: Sequence[str]) -> None:
    """Write the text and say how much there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transcripts", type=Path, required=True, help="text_spk1")
    parser.add_argument("--roots", type=Path, nargs="+", required=True, help="WSJ")
    parser.add_argument("output", type=Path)
    args = parser.parse_args(arguments)
    packed = find_packed(args.roots)
    if not packed:
        roots = ", ".join(map(str, args.roots))
        log(
            f"warning: no lng_modl/lm_train/np_data/{{87,88,89}}/*.z below {roots}: "
            "the LM is trained on the transcripts alone"
        )
    write_lines(args.output, collect(args.transcripts, packed))
    with args.output.open(encoding="utf-8") as file:
        count = sum(1 for _ in file)
    log(f"wrote {args.output}: {count} sentences from {len(packed)} files")


if __name__ == "__main__":
    run_cli(main)
