#!/usr/bin/env python3
"""Joins the per-job outputs of ``espnet2.bin.enh_scoring`` and averages them.

``<scoring dir>/logdir/output.<JOB>/`` holds one file per metric, ``<METRIC>_spk1``,
and ``wav_spk1``. Each is written to ``<scoring dir>`` with the utterances of all jobs
in C order, and ``result_<metric>.txt`` gets the mean over the utterances with two
decimals (dB for SI_SNR, SDR, SAR, SIR; per cent for STOI and ESTOI; MOS for PESQ).

Some "scores" of upstream are none, and are left out of the mean with a message:
infinite or undefined values; PESQ below 0, which is an error code (-6: under a quarter
of a second); STOI of 0.001, which pystoi returns for too few frames. PESQ may lack an
utterance in which it found no speech. With one speaker SIR is infinite throughout, as
nothing interferes: its mean is then given as ``inf``. It is ``n/a`` where there is no
score at all.
"""

import argparse
import math
import re
import sys
from pathlib import Path

from score_files import (
    ScoreError,
    c_order,
    name_some,
    read_table,
    run_tool,
    to_number,
    write_files,
)

from espnet2.results.score_validity import is_score


def main() -> None:
    """Merge one scoring folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scoring_dir", type=Path)
    parser.add_argument("--key_file", type=Path, help="lists the utterances demanded")
    args = parser.parse_args()

    jobs = find_jobs(args.scoring_dir)
    names = sorted({path.name for job in jobs for path in job.glob("*_spk1")})
    merged = {name: merge_jobs(jobs, name) for name in names}
    if args.key_file:
        demanded, source = set(read_table(args.key_file)), str(args.key_file)
    else:
        demanded, source = set().union(*merged.values()), "the other scores"
    for name, values in merged.items():
        check_complete(name, values, demanded, source, args.scoring_dir)
    write_files(
        {args.scoring_dir / name: text for name, text in render(merged).items()}
    )


def find_jobs(scoring_dir: Path) -> list[Path]:
    """Return the folders ``logdir/output.<JOB>`` in the order of their numbers.

    Raises:
        ScoreError: there is none, or one holds no ``*_spk1`` file.
    """
    found = {
        int(path.name.split(".")[1]): path
        for path in (scoring_dir / "logdir").glob("output.*")
        if re.fullmatch(r"output\.\d+", path.name)
    }
    if not found:
        raise ScoreError(f"{scoring_dir}/logdir: has no output.<JOB>; run enh_scoring")
    jobs = [found[number] for number in sorted(found)]
    for job in jobs:
        if not any(job.glob("*_spk1")):
            raise ScoreError(f"{job}: has no *_spk1 file; see the log of this job")
    return jobs


def merge_jobs(jobs: list[Path], name: str) -> dict[str, str]:
    """Return utterance -> value of the file ``name`` of all jobs.

    Raises:
        ScoreError: an utterance stands in two jobs, or a value is not one number.
    """
    merged: dict[str, str] = {}
    job_of: dict[str, Path] = {}
    for job in jobs:
        path = job / name
        if not path.exists():
            continue  # whether an utterance is lacking is checked over all jobs
        for line, (utterance, value) in enumerate(read_table(path).items(), start=1):
            if utterance in merged:
                raise ScoreError(
                    f"'{utterance}' is in both {job_of[utterance]}/{name} and {path}; "
                    "if one is left from a run with other jobs, remove logdir and "
                    "score again"
                )
            if name != "wav_spk1":
                to_number(value, f"{path}:{line}")
            merged[utterance] = value
            job_of[utterance] = job
    return merged


def check_complete(
    name: str,
    values: dict[str, str],
    demanded: set[str],
    source: str,
    scoring_dir: Path,
) -> None:
    """Raise ScoreError unless ``values`` has exactly the demanded utterances.

    PESQ may lack some: upstream writes no line where PESQ finds no speech.
    """
    missing = demanded - values.keys()
    if missing and not name.startswith("PESQ_"):
        raise ScoreError(
            f"{scoring_dir}/logdir: {name} lacks {len(missing)} utterance(s) of "
            f"{source}: {name_some(missing)}; see the logs and score again"
        )
    unexpected = values.keys() - demanded
    if unexpected:
        raise ScoreError(
            f"{scoring_dir}/logdir: {name} has {len(unexpected)} utterance(s) that "
            f"{source} lacks: {name_some(unexpected)}; remove logdir and score again"
        )


def render(merged: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return file name -> text: the merged tables, then the means."""
    tables, means = {}, {}
    everyone = set().union(*merged.values())
    for name, values in merged.items():
        lines = (f"{utterance} {values[utterance]}\n" for utterance in c_order(values))
        tables[name] = "".join(lines)
        if name != "wav_spk1":
            metric = name.removesuffix("_spk1")
            mean = mean_score(metric, values, everyone)
            means[f"result_{metric.lower()}.txt"] = f"{mean}\n"
    return {**tables, **means}


def mean_score(metric: str, values: dict[str, str], everyone: set[str]) -> str:
    """Return the mean of the true scores as text, telling on stderr what is left out.

    Args:
        metric: upstream's name, e.g. ``SI_SNR``.
        values: utterance -> score as text.
        everyone: all utterances, with those that have no line in ``values``.
    """
    numbers = {utterance: float(value) for utterance, value in values.items()}
    scores = {key: x for key, x in numbers.items() if is_score(metric, x)}
    left_out = everyone - scores.keys()
    if left_out:
        print(
            f"{metric}: no finite score for {len(left_out)} of {len(everyone)} "
            f"utterances, left out of the mean: {name_some(left_out)}",
            file=sys.stderr,
        )
    if scores:
        return f"{math.fsum(scores.values()) / len(scores):.2f}"
    return "inf" if all(x == math.inf for x in numbers.values()) else "n/a"


if __name__ == "__main__":
    run_tool(main)
