"""Measure what it costs to start the programs that users start many times.

usage: bench_start_up.py [CHECKOUT ...]

Prints CPU seconds of each program's --help, the least of three, in one or more
checkouts of this repository. They take turns, so that what disturbs the machine for a
while meets all of them.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

SCRIPTS = "egs2/TEMPLATE/asr_with_enhancement/pyscripts"
PROGRAMS = {
    "`transcribe`": ["-m", "espnet2.bin.transcribe"],
    "`gradient_report`": ["-m", "espnet2.bin.gradient_report"],
    "`result_page`": ["-m", "espnet2.bin.result_page"],
    "stage 3: `format_wav_scp.py`": [f"{SCRIPTS}/audio/format_wav_scp.py"],
    "stage 4: `filter_data.py`": [f"{SCRIPTS}/utils/filter_data.py"],
    "stage 5: `train_bpe.py`": [f"{SCRIPTS}/text/train_bpe.py"],
    "scores: `score_asr.py`": [f"{SCRIPTS}/utils/score_asr.py"],
    "table: `show_enh_score.py`": [f"{SCRIPTS}/utils/show_enh_score.py"],
}
TURNS = 3


def cpu_seconds(checkout: Path, words: list[str]) -> float:
    """Return the CPU time of a program's --help; nan if it ends with an error."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *words, "--help"],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return float("nan") if done.returncode else used


def commit(checkout: Path) -> str:
    """Return the short name of what is checked out."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--exclude", "*"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Measure and print the table."""
    here = Path(__file__).resolve().parents[2]
    checkouts = [Path(word).resolve() for word in sys.argv[1:]] or [here]
    names = " | ".join(map(commit, checkouts))
    print(f"| CPU s | {names} |\n|---|{'---|' * len(checkouts)}")
    for title, words in PROGRAMS.items():
        turns = [[cpu_seconds(c, words) for c in checkouts] for _ in range(TURNS)]
        cells = " | ".join(f"{min(column):.2f}" for column in zip(*turns, strict=True))
        print(f"| {title} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
