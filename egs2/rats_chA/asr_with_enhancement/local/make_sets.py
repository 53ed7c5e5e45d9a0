"""Write the data folders from the cut sessions, and say what became of everything.

Reads what ``prepare_rats.py`` has left in the working folder. Writes the folders
``train``, ``valid`` and ``test``, and beside the sessions ``dropped.tsv``,
``problems.txt`` and ``summary.md``.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from cut_session import read_session
from fisher_text import TextRules, normalise
from kaldi_utils import (
    DataError,
    log,
    replace_folder,
    run_cli,
    utt2spk_to_spk2utt,
    write_lines,
    write_table,
)
from prepare_rats import add_fields, take_fields
from split_sets import SETS, Entry, read_id_list, split_by_lists, split_by_speaker
from summary import Facts, summarise


def read_entries(work_dir: Path, rules: TextRules) -> tuple[list[Entry], Facts]:
    """Utterances with words of all usable sessions, and what became of the others.

    Raises:
        DataError: the sessions are not prepared, or none can be used.
    """
    try:
        index = json.loads((work_dir / "sessions.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{work_dir}/sessions.json is missing: run stage 1") from None
    facts = Facts(index["reports"], list(index["problems"]), index["others"])
    entries = []
    for report in index["reports"]:
        if report["status"] != "ok":
            continue
        folder = (work_dir / "sessions" / report["src_id"]).resolve()
        session = read_session(folder)
        if session is None:
            raise DataError(f"{folder} is not finished: run stage 1")
        facts.problems += session["problems"]
        facts.dropped |= session["dropped"]
        for said in session["utterances"]:
            text, reason = normalise(said["text"], rules)
            if reason:
                facts.dropped[said["id"]] = reason
            else:
                facts_of_it = said["pin"], text, said["seconds"], report["part"]
                entries.append(Entry(said["id"], *facts_of_it, folder))
    facts.problems = list(dict.fromkeys(facts.problems))  # a call may have two sources
    if not entries:
        found = sorted({str(report["status"]) for report in index["reports"]})
        raise DataError(
            f"no utterance can be used; sessions: {', '.join(found) or 'none'}; see "
            f"{work_dir}/link_report.tsv"
        )
    return entries, facts


def write_set(folder: Path, entries: list[Entry]) -> None:
    """Write a data folder beside its place and rename it.

    Raises:
        DataError: there are no utterances, or the folder is not such a folder.
    """
    if not entries:
        raise DataError(f"{folder} would be empty; see summary.md and link_report.tsv")
    if folder.exists() and not (folder / "wav.scp").is_file():
        raise DataError(f"{folder} is there and was not made here: remove it yourself")
    partial = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    ordered = sorted(entries)
    utt2spk = {entry.utt_id: f"fe_03_{entry.pin}" for entry in ordered}
    for name, kind in (("wav.scp", "noisy"), ("spk1.scp", "clean")):
        paths = {e.utt_id: str(e.folder / kind / f"{e.utt_id}.wav") for e in ordered}
        write_table(partial / name, paths)
    for name in ("text", "text_spk1"):
        write_table(partial / name, {entry.utt_id: entry.text for entry in ordered})
    write_table(partial / "utt2spk", utt2spk)
    write_table(partial / "spk2utt", utt2spk_to_spk2utt(utt2spk))
    replace_folder(partial, folder)


def choose_sets(
    entries: list[Entry], lists: dict[str, Path | None], valid_share: float
) -> tuple[dict[str, list[Entry]], dict[str, list[str]]]:
    """The sets, and the ids of each list that are not there.

    Raises:
        DataError: only some of the lists are given.
    """
    given = {name: path for name, path in lists.items() if path is not None}
    if not given:
        return split_by_speaker(entries, valid_share), {}
    if len(given) < len(SETS):
        raise DataError("give all of --train_list, --valid_list, --test_list, or none")
    return split_by_lists(
        entries, {name: read_id_list(path) for name, path in given.items()}
    )


def main(arguments: Sequence[str]) -> None:
    """Write the data folders of the options given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work_dir", type=Path, required=True, help="of stage 1")
    parser.add_argument("--data_dir", type=Path, required=True, help="for the folders")
    parser.add_argument(
        "--valid_share", type=float, default=0.1, help="of RATS's train part, 0 to 1"
    )
    for name in SETS:
        parser.add_argument(f"--{name}_list", type=Path, help=f"ids of {name}")
    add_fields(parser, TextRules)
    args = parser.parse_args(arguments)
    if not 0 < args.valid_share < 1:
        raise DataError(f"--valid_share {args.valid_share:g}: want above 0, below 1")
    entries, facts = read_entries(args.work_dir, take_fields(args, TextRules))
    dropped = [f"{key}\t{reason}" for key, reason in sorted(facts.dropped.items())]
    write_lines(args.work_dir / "dropped.tsv", ["utterance\treason", *dropped])
    write_lines(args.work_dir / "problems.txt", facts.problems)
    lists = {name: getattr(args, f"{name}_list") for name in SETS}
    sets, facts.missing = choose_sets(entries, lists, args.valid_share)
    text = summarise(sets, facts)
    write_lines(args.work_dir / "summary.md", [text])
    for name in SETS:
        write_set(args.data_dir / name, sets[name])
    log(f"the report is in {args.work_dir}/summary.md\n{text}")


if __name__ == "__main__":
    run_cli(main)
