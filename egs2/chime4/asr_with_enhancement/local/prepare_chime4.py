"""Make the data folders of CHiME-4's 1- or 6-channel track, and say what was found.

Written into ``--data_dir``: ``tr05_{simu,real}_noisy``, both as ``tr05_multi_noisy``,
``{dt05,et05}_{simu,real}_isolated_1ch_track``, dt05's as
``dt05_multi_isolated_1ch_track``, ``nlsyms.txt`` and ``report/``. Of the 6-channel
track all sets have the ending ``_isolated_6ch_track``.

A training utterance with a file missing or broken is left out and reported; one of a
validation or test set is an error, as scores would not be those of the set.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from chime4_lists import RATE
from chime4_sets import REFERENCE_CHANNEL, SETS, Corpus, Utterance, read_set
from clean_references import Reference
from data_folders import Entry, write_folder, write_symbols
from reference_pool import make_references
from report import SetReport, write_report
from subtract_background import Limits

from espnet2.data_dir.options import add_options, take_options
from espnet2.data_dir.tables import DataError, first_lines, log, run_cli

MAX_NAMED = 10


def entry_of(utterance: Utterance, reference: Reference) -> Entry:
    """Line of the tables; an utterance without a reference counts as a real one."""
    job = utterance.job
    # Simulated and real utterances share names, so the kind stays in the id.
    kind = ("SIMU" if reference.path else "SIMU_REAL") if job.simulated else "REAL"
    return Entry(
        key=f"{job.key}_{kind}",
        speaker=utterance.speaker,
        text=utterance.text,
        wav=utterance.wav,
        reference=reference.path or job.mixture,
        seconds=reference.samples / RATE,
    )


def build_set(
    utterances: Sequence[Utterance],
    references: dict[str, Reference],
    skipped: dict[str, str],
    notes: list[str],
) -> list[Entry]:
    """Entries of a set; utterances with broken audio go to ``skipped``.

    Audio shorter than annotated was cut off, unless that is so of most of the set:
    then the annotation means something else, which is noted.
    """
    broken = {"unreadable", "short"}
    found = [references[u.job.key] for u in utterances]
    short = [reference.key for reference in found if reference.source == "short"]
    if 2 * len(short) > len(utterances):
        broken = {"unreadable"}
        notes.append(f"{len(short)} files are shorter than annotated, as {short[0]}")
    entries = []
    for utterance, reference in zip(utterances, found, strict=True):
        if reference.source in broken:
            skipped[reference.key] = reference.reason
        else:
            entries.append(entry_of(utterance, reference))
    return entries


def check_complete(report: SetReport, share: float) -> None:
    """Raise a `DataError` if none, or less of a set than allowed, remains.

    ``share`` is the largest part of a training set that may be left out.
    """
    name, kept, skipped = report.name, len(report.entries), report.skipped
    total = kept + len(skipped)
    allowed = share if name.startswith("tr05") else 0.0
    if kept and len(skipped) <= allowed * total:
        return
    lines = [f"{utt}: {reason}" for utt, reason in sorted(skipped.items())]
    limit = f"more than --max_skipped {share:g}" if allowed else "none may lack"
    limit = limit if kept else "so none remains"
    head = f"{name}: {len(skipped)} of {total} utterances cannot be used, {limit}:"
    raise DataError(f"{head}\n  {first_lines(lines, MAX_NAMED)}")


def prepare(args: argparse.Namespace) -> None:
    """Do all; the folders are written last."""
    corpus = _corpus(args)
    notes: list[str] = []
    sets = {name: read_set(corpus, name, notes) for name in SETS}
    limits = take_options(args, Limits)
    ending = "" if args.track == "1ch" else f"_{args.track}"
    report_dir = args.data_dir / f"report{ending}"
    reports = []
    for name, (utterances, skipped) in sets.items():
        log(f"{name}: {len(utterances)} audio files")
        log_file = args.reference_dir / f"{name}.jsonl"
        jobs = [u.job for u in utterances]
        references = make_references(jobs, limits, log_file, args.nj)
        entries = build_set(utterances, references, skipped, notes)
        reports.append(SetReport(name, entries, skipped, references))
        lacking = sum(e.key.endswith("_SIMU_REAL") for e in entries)
        if lacking:
            log(
                f"warning: {name}: {lacking} of {len(entries)} have no clean "
                f"reference and count as REAL; see {report_dir}/summary.md"
            )
    # The report comes before the errors: it says more than they do.
    copies = len(args.channels) if args.track == "1ch" else 1
    write_report(report_dir, reports, args.track, copies, notes)
    for report in reports:
        check_complete(report, args.max_skipped)
    entries = {report.name: report.entries for report in reports}
    _write_folders(args.data_dir, entries, args.track)


def _corpus(args: argparse.Namespace) -> Corpus:
    own = args.chime4 / "data/audio/16kHz/isolated_ext"
    ext = args.isolated_ext or (own if own.is_dir() else None)
    lists = [args.extra_annotations] if args.extra_annotations else []
    lists += [args.chime4 / "data/annotations"]
    lists += [args.chime4.parent / "CHiME4_diff/CHiME3/data/annotations"]
    corpus = Corpus(
        *(args.chime4, args.wsj0, ext, lists, args.channels, args.reference_dir),
        track=args.track,
    )
    corpus.check()
    return corpus


def _write_folders(data_dir: Path, entries: dict[str, list[Entry]], track: str) -> None:
    ending = f"isolated_{track}_track"
    training = "noisy" if track == "1ch" else ending
    both = entries["tr05_simu"] + entries["tr05_real"]
    folders = {
        f"tr05_simu_{training}": entries["tr05_simu"],
        f"tr05_real_{training}": entries["tr05_real"],
        f"tr05_multi_{training}": both,
        f"dt05_multi_{ending}": entries["dt05_simu"] + entries["dt05_real"],
    }
    for name in SETS[2:]:
        folders[f"{name}_{ending}"] = entries[name]
    for name, lines in folders.items():
        write_folder(data_dir / name, lines)
        log(f"wrote {data_dir / name}: {len(lines)} utterances")
    write_symbols(data_dir / "nlsyms.txt", (e.text for e in both))


def main(arguments: Sequence[str]) -> None:
    """Check the options, which `local/data.sh` explains, then prepare."""
    parser = argparse.ArgumentParser(description=__doc__)
    folder = {"type": lambda text: Path(text).resolve()}
    parser.add_argument("--chime4", required=True, **folder)
    parser.add_argument("--wsj0", required=True, nargs="+", **folder)
    parser.add_argument("--isolated_ext", **folder)
    parser.add_argument("--extra_annotations", **folder)
    parser.add_argument("--data_dir", type=Path, default=Path("data"))
    parser.add_argument("--reference_dir", required=True, **folder)
    parser.add_argument("--track", choices=("1ch", "6ch"), default="1ch")
    parser.add_argument("--channels", type=int, nargs="+", required=True)
    parser.add_argument("--max_skipped", type=float, default=0.01)
    parser.add_argument("--nj", type=int, default=1)
    add_options(parser, Limits)
    args = parser.parse_args(arguments)
    if not set(args.channels) <= set(range(1, 7)):
        raise DataError(f"--channels {args.channels}: want some of 1 to 6")
    args.channels = sorted(set(args.channels))
    if args.track == "6ch" and REFERENCE_CHANNEL not in args.channels:
        raise DataError(
            f"--channels {args.channels}: the references are of channel "
            f"{REFERENCE_CHANNEL}, which must be among them"
        )
    prepare(args)


if __name__ == "__main__":
    run_cli(main)
