"""Make the toy corpus: radio orders spoken by espeak-ng over a noisy FM link.

The corpus is built beside its place and renamed when it is whole. Its file
``corpus.json`` records the options: with the same options it is used again, with
others it is made anew. Then ``<data_dir>/{train,valid,test}`` are written.

Each voice is spoken by a process of its own, so the same options give the same
bytes whatever the number of processes (with the same versions of the libraries).
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from build_corpus import (
    LAYOUT_VERSION,
    MARKER,
    VOICES,
    build_corpus,
    plan_corpus,
    read_records,
)
from realism import realism_report
from render import Conditions
from speak import check_variants

from espnet2.data_dir.folders import (
    Entry,
    check_replaceable,
    read_marker,
    write_data_dir,
)
from espnet2.data_dir.tables import DataError, run_cli

NUMBERS = (  # name, default, lowest and highest value, help
    ("seed", 2302, 0, 2**32 - 1, "of all random choices"),
    ("num_train", 3200, 1, 99999, "utterances of the training set"),
    ("num_valid", 200, 1, 99999, "utterances of the validation set"),
    ("num_test", 400, 1, 99999, "utterances of the test set"),
    ("cnr_min", 6.0, 0, 100, "lowest carrier-to-noise ratio, dB"),
    ("cnr_max", 14.0, 0, 100, "highest one, dB"),
    ("snr_min", 5.0, -20, 100, "lowest acoustic SNR, dB"),
    ("snr_max", 20.0, -20, 100, "highest one, dB"),
    ("nj", 1, 1, 1024, "processes at once"),
)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--corpus_dir", type=Path, required=True, help="folder of the audio")
    add("--data_dir", type=Path, required=True, help="folder of the Kaldi folders")
    for name, default, _, _, text in NUMBERS:
        add(f"--{name}", type=type(default), default=default, help=text)
    args = parser.parse_args(arguments)
    for name, _, lowest, highest, _ in NUMBERS:
        value = getattr(args, name)
        if not lowest <= value <= highest:
            raise DataError(f"--{name} {value} must be {lowest} to {highest}")
    for kind in ("cnr", "snr"):
        low, high = (getattr(args, f"{kind}_{end}") for end in ("min", "max"))
        if low > high:
            what = f"--{kind}_min {low} must not be above --{kind}_max {high}"
            raise DataError(what)
    return args


def write_set(folder: Path, records: Sequence[dict], audio_dir: Path) -> None:
    """Write a data folder of utterances of ``audio_dir/{noisy,clean}``."""
    entries, cnrs = [], {}
    for record in records:
        key = record["utt_id"]
        noisy, clean = (f"{audio_dir}/{kind}/{key}.wav" for kind in ("noisy", "clean"))
        entries.append(Entry(key, record["voice"], record["text"], noisy, clean))
        cnrs[key] = record["cnr_db"]
    write_data_dir(folder, entries, utt2cnr=cnrs)


def main(arguments: Sequence[str]) -> None:
    """Make or reuse the corpus, write the data folders."""
    args = parse_options(arguments)
    counts = {name: getattr(args, f"num_{name}") for name in VOICES}
    conditions = Conditions(args.cnr_min, args.cnr_max, args.snr_min, args.snr_max)
    options = {"version": LAYOUT_VERSION, "seed": args.seed, "counts": counts}
    options |= {**asdict(conditions), "voices": VOICES}
    corpus_dir = args.corpus_dir.resolve()
    check_replaceable(corpus_dir, MARKER)
    for name in VOICES:
        check_replaceable(args.data_dir / name, "wav.scp")
    if read_marker(corpus_dir / MARKER) == options:
        print(f"{corpus_dir} was made with the same options: used again")
    else:
        check_variants([voice for voices in VOICES.values() for voice in voices])
        plan = plan_corpus(counts, args.seed)
        build_corpus(options, plan, conditions, args.nj, corpus_dir)
    records = {name: read_records(corpus_dir, name) for name in VOICES}
    for name in VOICES:
        write_set(args.data_dir / name, records[name], corpus_dir / name)
    print(realism_report(corpus_dir, records))


if __name__ == "__main__":
    run_cli(main)
