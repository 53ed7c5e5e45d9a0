#!/usr/bin/env python3
"""Joins the per-job outputs of ``espnet2.bin.enh_scoring`` and averages them.

``<scoring dir>/logdir/output.<JOB>/`` holds one file per metric, ``<METRIC>_spk1``,
and ``wav_spk1``. Each is written to ``<scoring dir>`` with the utterances of all jobs
in C order, and ``result_<metric>.txt`` gets the mean over the utterances with two
decimals (dB for SI_SNR, SDR, SAR, SIR; per cent for STOI and ESTOI; MOS for PESQ).

Some "scores" of upstream are none, and are left out of the mean with a message (see
``is_score``). PESQ may lack an utterance in which it found no speech. With one speaker
SIR is infinite throughout, as nothing interferes: its mean is then given as ``inf``. It
is ``n/a`` where there is no score at all.
"""

import argparse
import math
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, Table, run_cli
from espnet2.results.enhancement import is_score
from espnet2.results.tables import name_some, read_scored, to_number, write_files

WAV = "wav_spk1"


def main(cmd: Sequence[str]) -> None:
    """Merge one scoring folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scoring_dir", type=Path)
    parser.add_argument("--key_file", type=Path, help="lists the utterances demanded")
    args = parser.parse_args(cmd)

    jobs = find_jobs(args.scoring_dir / "logdir")
    names = sorted({path.name for job in jobs for path in job.glob("*_spk1")})
    merged = {name: merge_jobs([job / name for job in jobs]) for name in names}
    demanded, source = set().union(*merged.values()), "the other scores"
    if args.key_file:
        demanded, source = set(read_scored(args.key_file)), str(args.key_file)
    for name, values in merged.items():
        place = f"{args.scoring_dir}/logdir: {name}"
        check_complete(place, values, demanded, source, name.startswith("PESQ_"))
    texts = render(merged)
    write_files({args.scoring_dir / name: text for name, text in texts.items()})


def find_jobs(logdir: Path) -> list[Path]:
    """Return the folders ``output.<JOB>`` by their numbers; each has scores."""
    found = (p for p in logdir.glob("output.*") if re.fullmatch(r"\.\d+", p.suffix))
    jobs = sorted(found, key=lambda job: int(job.suffix[1:]))
    if not jobs:
        raise DataError(f"{logdir}: has no output.<JOB>; run enh_scoring")
    for job in jobs:
        if not any(job.glob("*_spk1")):
            raise DataError(f"{job}: has no *_spk1 file; see the log of this job")
    return jobs


def merge_jobs(paths: Sequence[Path]) -> Table:
    """Return utterance -> value of one metric's files, a number, of all jobs."""
    merged: Table = {}
    path_of: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            continue  # whether an utterance is lacking is checked over all jobs
        for line, (utterance, value) in enumerate(read_scored(path).items(), start=1):
            if utterance in merged:
                raise DataError(
                    f"'{utterance}' is in both {path_of[utterance]} and {path}; "
                    "if one is left from a run with other jobs, remove logdir and "
                    "score again"
                )
            if path.name != WAV:
                to_number(value, f"{path}:{line}")
            merged[utterance], path_of[utterance] = value, path
    return merged


def check_complete(
    place: str,
    values: Table,
    demanded: Collection[str],
    source: str,
    may_lack_some: bool,
) -> None:
    """Raise DataError unless ``values`` has exactly the demanded utterances."""
    missing, unexpected = demanded - values.keys(), values.keys() - demanded
    if missing and not may_lack_some:
        raise DataError(
            f"{place} lacks {len(missing)} utterance(s) of {source}: "
            f"{name_some(missing)}; see the logs and score again"
        )
    if unexpected:
        raise DataError(
            f"{place} has {len(unexpected)} utterance(s) that {source} lacks: "
            f"{name_some(unexpected)}; remove logdir and score again"
        )


def render(merged: dict[str, Table]) -> dict[str, str]:
    """Return file name -> text: the merged tables, then the means."""
    tables, means = {}, {}
    everyone = set().union(*merged.values())
    for name, values in merged.items():
        tables[name] = "".join(f"{key} {values[key]}\n" for key in sorted(values))
        if name != WAV:
            metric = name.removesuffix("_spk1")
            mean = mean_score(metric, values, everyone)
            means[f"result_{metric.lower()}.txt"] = f"{mean}\n"
    return {**tables, **means}


def mean_score(metric: str, values: Table, everyone: set[str]) -> str:
    """Return the mean of the true scores as text, telling on stderr what is left out.

    ``metric`` is upstream's name, such as ``SI_SNR``; ``values`` may lack some.
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
    run_cli(main)
