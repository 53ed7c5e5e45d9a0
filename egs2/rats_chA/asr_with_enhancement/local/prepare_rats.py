"""Find, link, align and cut the sessions of RATS channel A.

Below the working folder are made ``sessions/<source id>/`` with the cut audio,
``sessions.json`` for ``make_sets.py``, and ``link_report.tsv`` with a line for every
English Fisher source. A run that was stopped goes on where it was.
"""

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from align_session import CutRules, Limits
from cut_session import prepare_session
from fisher_calls import find_fisher_files, read_speakers
from link_calls import LinkLimits
from rats_tables import find_rats_root, read_sources, read_transmissions
from session_offset import OffsetLimits
from session_plan import Plan, Report, plan_sessions

from espnet2.data_dir.options import add_options, take_options
from espnet2.data_dir.parallel import work_on
from espnet2.data_dir.tables import log, run_cli, write_lines

COLUMNS = (
    "src_id session part call side iou_A iou_B shift used_shift delta n_boundaries "
    "share mad_ms drift_ms lag_ms peak lag_used utterances status detail"
).split()


def make_plan(rats: Path, fisher: list[Path]) -> Plan:
    """Read all tables of both corpora and choose the sessions."""
    root = find_rats_root(rats)
    sources, odd_sources = read_sources(root / "docs" / "source_file_info.tab")
    table = root / "docs" / "retrans_fileset_info.tab"
    transmissions, odd_transmissions = read_transmissions(table)
    files = find_fisher_files(fisher)
    speakers, odd_speakers = read_speakers(files.calldata)
    plan = plan_sessions(root, sources, transmissions, files, speakers)
    odd = odd_sources + odd_transmissions + files.problems + odd_speakers
    plan.problems = odd + plan.problems
    return plan


def mark_repeats(reports: list[Report]) -> None:
    """Of several usable sources with the same call and side only the first stays."""
    first: dict[tuple, object] = {}
    for report in reports:
        if report["status"] == "ok":
            side = (report["call"], report["side"])
            source = first.setdefault(side, report["src_id"])
            if source != report["src_id"]:
                what = f"call {side[0]} side {side[1]} is source {source} already"
                report |= {"status": "repeat", "detail": what}


def write_link_report(path: Path, reports: list[Report]) -> None:
    """Write the tab-separated report, one line for each source, with a header."""
    rows = [COLUMNS]
    for report in reports:
        values = [report.get(column, "") for column in COLUMNS]
        rows.append([f"{v:.4f}" if isinstance(v, float) else str(v) for v in values])
    write_lines(path, ("\t".join(row) for row in rows))


def main(arguments: Sequence[str]) -> None:
    """Prepare the sessions of the folders given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rats", type=Path, required=True, help="LDC2015S02")
    parser.add_argument(
        "--fisher", type=Path, required=True, nargs="+", help="Fisher transcripts"
    )
    parser.add_argument("--work_dir", type=Path, required=True, help="results go here")
    parser.add_argument("--nj", type=int, default=1, help="processes at once")
    kinds = (LinkLimits, OffsetLimits, CutRules)
    for kind in kinds:
        add_options(parser, kind)
    args = parser.parse_args(arguments)
    limits = Limits(*(take_options(args, kind) for kind in kinds))
    plan = make_plan(args.rats, args.fisher)
    folder = args.work_dir / "sessions"
    work = partial(prepare_session, limits=limits, folder=folder)
    reports = [*work_on(plan.sessions, work, args.nj, "sessions"), *plan.skipped]
    reports.sort(key=lambda report: report["src_id"])
    mark_repeats(reports)
    write_link_report(args.work_dir / "link_report.tsv", reports)
    index = {"reports": reports, "problems": plan.problems, "others": plan.others}
    write_lines(args.work_dir / "sessions.json", [json.dumps(index, indent=1)])
    usable = sum(report["status"] == "ok" for report in reports)
    log(f"{usable} of {len(reports)} English Fisher sources can be used")


if __name__ == "__main__":
    run_cli(main)
