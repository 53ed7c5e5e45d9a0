"""A radio corpus and its data folders, made or used again.

The corpus is built beside its place and renamed when it is whole. Its file
``corpus.json`` records the options: with the same options it is used again, with
others it is made anew. Then ``<data_dir>/{train,valid,test}`` are written.

Each speaker of a set is rendered by a process of its own, so the same options give
the same bytes whatever the number of processes (with the same versions of the
libraries).
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from espnet2.data_dir.folders import (
    Entry,
    check_replaceable,
    read_marker,
    write_data_dir,
)
from espnet2.radio.building import MARKER, build_corpus, read_records
from espnet2.radio.options import SETS, conditions_of, counts_of
from espnet2.radio.realism import realism_report
from espnet2.radio.utterance import Conditions, Say, Utterance

LAYOUT_VERSION = 1  # raise it when the same options give another corpus


def prepare_corpus(
    args: argparse.Namespace,
    more: dict[str, object],
    plan: Callable[[], Sequence[Sequence[Utterance]]],
    speak_as: Callable[[str], Say],
) -> None:
    """Make or reuse the corpus, write the data folders, print how real it looks.

    Args:
        args: The options of `parse_options`.
        more: What else the corpus depends on, to be recorded with the options.
        plan: Gives the utterances of each speaker in each set.
        speak_as: Makes the voice of a speaker's id.

    Raises:
        DataError: a folder was not made here, or a speaker failed.
    """
    conditions = conditions_of(args)
    options = {"version": LAYOUT_VERSION, "seed": args.seed, "counts": counts_of(args)}
    options |= {**_recorded(conditions), **more}
    corpus_dir, folders = args.corpus_dir.resolve(), [args.data_dir / s for s in SETS]
    check_replaceable(corpus_dir, MARKER)
    for folder in folders:
        check_replaceable(folder, "wav.scp")
    if read_marker(corpus_dir / MARKER) == options:
        print(f"{corpus_dir} was made with the same options: used again")
    else:
        build_corpus(options, plan(), speak_as, conditions, args.nj, corpus_dir)
    for folder in folders:
        records = read_records(corpus_dir, folder.name)
        write_set(folder, records, corpus_dir / folder.name)
    print(realism_report(folders))


def write_set(folder: Path, records: Sequence[dict], audio_dir: Path) -> None:
    """Write a data folder of utterances of ``audio_dir/{noisy,clean}``."""
    entries, cnrs = [], {}
    for record in records:
        key = record["utt_id"]
        noisy, clean = (f"{audio_dir}/{kind}/{key}.wav" for kind in ("noisy", "clean"))
        entries.append(Entry(key, record["voice"], record["text"], noisy, clean))
        cnrs[key] = record["cnr_db"]
    write_data_dir(folder, entries, utt2cnr=cnrs)


def _recorded(conditions: Conditions) -> dict[str, object]:
    """The conditions, as they were recorded before there were kinds of references."""
    fields = asdict(conditions)
    if fields["reference"] == "aligned":
        del fields["reference"]
    return fields
