"""Check the tables of a Kaldi data folder against each other.

``validate_data_dir.sh`` calls this file. It opens no audio; ``check_data.py`` does.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from espnet2.data_dir.layout import (
    parse_segment,
    recording_tables,
    require_folder,
    spk2utt_to_utt2spk,
    utterance_tables,
)
from espnet2.data_dir.tables import (
    DataError,
    Table,
    first_lines,
    log,
    read_table,
    run_cli,
)


def validate(folder: Path, skip: Iterable[str] = (), spk_sort: bool = True) -> None:
    """Check the tables of a data folder against each other; audio is not opened.

    An empty text is a warning, as stage 4 drops such utterances; the rest are errors.

    Of ``wav`` and ``text``, the folder need not hold what ``skip`` names. With
    ``spk_sort``, ``utt2spk`` must be sorted by speaker too.

    Raises:
        DataError: with one line a problem, each with file and line or utterance.
    """
    require_folder(folder)
    needed = {"wav": "wav.scp", "text": "text"}
    paths = [folder / needed[kind] for kind in needed.keys() - set(skip)]
    problems = [f"{path} is missing" for path in paths if not path.is_file()]
    tables: dict[str, Table] = {}
    for name in utterance_tables(folder) + recording_tables(folder):
        try:
            tables[name] = read_table(folder / name)
        except DataError as error:
            problems.append(str(error))
    problems += _compare_ids(folder, tables)
    problems += _check_speakers(folder, tables, spk_sort)
    problems += _check_segments(folder, tables)
    problems += _check_values(folder, tables)
    if problems:
        found = first_lines(problems)
        raise DataError(f"{folder} is not a valid data folder:\n  {found}")


def _compare_ids(folder: Path, tables: dict[str, Table]) -> list[str]:
    """Say which utterances stand in utt2spk but not in another table, or not there."""
    if "utt2spk" not in tables:
        return []
    problems = []
    utt2spk = tables["utt2spk"]
    expected = utt2spk.keys()
    if not expected:
        problems.append(f"{folder}/utt2spk is empty")
    for name in utterance_tables(folder):
        ids = tables.get(name, utt2spk).keys()  # unread: told already
        problems += [
            f"utterance {key} stands in {folder}/utt2spk but not in {folder / name}"
            for key in sorted(expected - ids)
        ]
        problems += [
            f"utterance {key} stands in {folder / name} but not in {folder}/utt2spk"
            for key in sorted(ids - expected)
        ]
    return problems


def _check_speakers(folder: Path, tables: dict[str, Table], spk_sort: bool) -> list:
    utt2spk = tables.get("utt2spk", {})
    problems = [
        f"{folder}/utt2spk: utterance {key} has no speaker, or a name with a space"
        for key, speaker in utt2spk.items()
        if len(speaker.split()) != 1
    ]
    speakers = list(utt2spk.values())
    if spk_sort and speakers != sorted(speakers):
        problems.append(
            f"{folder}/utt2spk is sorted by utterance but not by speaker: start every "
            "utterance id with its speaker's name"
        )
    try:
        if spk2utt_to_utt2spk(read_table(folder / "spk2utt")) != utt2spk:
            raise DataError(f"{folder}/spk2utt does not agree with utt2spk")
    except DataError as error:
        problems.append(f"{error}; run utils/fix_data_dir.sh {folder}")
    return problems


def _check_segments(folder: Path, tables: dict[str, Table]) -> list[str]:
    problems = []
    for key, value in tables.get("segments", {}).items():
        where = f"{folder}/segments: utterance {key}"
        try:
            recording, _, _ = parse_segment(value, where)
        except DataError as error:
            problems.append(str(error))
            continue
        problems += [
            f"{where}: recording {recording} is not in {folder / name}"
            for name in recording_tables(folder)
            if recording not in tables.get(name, {recording: ""})
        ]
    return problems


def _check_values(folder: Path, tables: dict[str, Table]) -> list[str]:
    problems = []
    for name, table in tables.items():
        for key, value in table.items():
            if name.startswith("text") and not value:
                log(f"warning: {folder / name}: utterance {key} has an empty text")
            elif name.endswith(".scp") and not value:
                problems.append(f"{folder / name}: {key} has no audio file")
            elif name.endswith(".scp") and not value.endswith("|"):
                if not Path(value).is_file():
                    problems.append(f"{folder / name}: {key}: no file {value}")
    return problems


def main(arguments: Sequence[str]) -> None:
    """Check the data folder given on the command line."""
    parser = argparse.ArgumentParser(prog="validate_data_dir.sh", description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--no-text", action="store_true", help="there is no text")
    parser.add_argument("--no-wav", action="store_true", help="there is no wav.scp")
    parser.add_argument(
        "--no-spk-sort", action="store_true", help="utt2spk is sorted by utterance only"
    )
    for option in ("--no-feats", "--non-print"):
        parser.add_argument(option, action="store_true", help="accepted and ignored")
    args = parser.parse_args(arguments)
    skip = [kind for kind in ("text", "wav") if getattr(args, f"no_{kind}")]
    validate(args.data_dir, skip, not args.no_spk_sort)
    log(f"{args.data_dir} is valid")


if __name__ == "__main__":
    run_cli(main)
