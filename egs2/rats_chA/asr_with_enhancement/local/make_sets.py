"""Write the data folders from the cut sessions, and say what became of everything.

Reads what ``prepare_rats.py`` has left in the working folder. Writes the folders
``train``, ``valid`` and ``test``, and beside the sessions ``dropped.tsv``,
``problems.txt`` and ``summary.md``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cut_session import MARKER
from fisher_text import TextRules, normalise
from split_sets import SETS, Entry, read_id_list, split_by_lists, split_by_speaker
from summary import Facts, summarise

from espnet2.data_dir import folders
from espnet2.data_dir.options import add_options, take_options
from espnet2.data_dir.tables import DataError, log, run_cli, write_lines


def read_entries(work_dir: Path, rules: TextRules) -> tuple[list[Entry], Facts]:
    """Utterances with words of all usable sessions, and what became of the others."""
    index = folders.read_marker(work_dir / "sessions.json")
    if index is None:
        raise DataError(f"{work_dir}/sessions.json is missing: run stage 1")
    facts = Facts(index["reports"], list(index["problems"]), index["others"])
    entries = []
    for report in index["reports"]:
        if report["status"] != "ok":
            continue
        folder = (work_dir / "sessions" / report["src_id"]).resolve()
        session = folders.read_marker(folder / MARKER)
        if session is None:
            raise DataError(f"{folder} is not finished: run stage 1")
        facts.problems += session["problems"]
        facts.dropped |= session["dropped"]
        for said in session["utterances"]:
            text, reason = normalise(said["text"], rules)
            if reason:
                facts.dropped[said["id"]] = reason
            else:
                values = said["pin"], text, said["seconds"], report["part"], folder
                entries.append(Entry(said["id"], *values))
    facts.problems = list(dict.fromkeys(facts.problems))  # a call may have two sources
    if not entries:
        found = sorted({str(report["status"]) for report in index["reports"]})
        raise DataError(
            f"no utterance can be used; sessions: {', '.join(found) or 'none'}; see "
            f"{work_dir}/link_report.tsv"
        )
    return entries, facts


def write_set(folder: Path, entries: list[Entry]) -> None:
    """Write a data folder."""
    if not entries:
        raise DataError(f"{folder} would be empty; see summary.md and link_report.tsv")
    lines = []
    for e in entries:
        audio = (f"{e.folder}/{kind}/{e.utt_id}.wav" for kind in ("noisy", "clean"))
        lines.append(folders.Entry(e.utt_id, f"fe_03_{e.pin}", e.text, *audio))
    folders.write_data_dir(folder, lines)


def choose_sets(
    entries: list[Entry], lists: dict[str, Path | None], valid_share: float
) -> tuple[dict[str, list[Entry]], dict[str, list[str]]]:
    """The sets, and the ids of each list that are not there."""
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
    add_options(parser, TextRules)
    args = parser.parse_args(arguments)
    if not 0 < args.valid_share < 1:
        raise DataError(f"--valid_share {args.valid_share:g}: want above 0, below 1")
    entries, facts = read_entries(args.work_dir, take_options(args, TextRules))
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
