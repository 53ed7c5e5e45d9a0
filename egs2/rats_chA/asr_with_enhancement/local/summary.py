"""One page about the prepared sets: what is in them, what is not, and why."""

from collections import Counter
from dataclasses import dataclass, field

from fisher_text import odd_characters
from split_sets import Entry

SHOWN = 10  # problems that are printed; all are in problems.txt


@dataclass
class Facts:
    """What became of the sources and utterances that are in no set."""

    reports: list[dict]  # a line of link_report.tsv for each English Fisher source
    problems: list[str]  # odd lines of the corpora's files
    others: int  # number of sources that are not English Fisher calls
    dropped: dict[str, str] = field(default_factory=dict)  # reason by utterance id
    missing: dict[str, list[str]] = field(default_factory=dict)  # ids by list


def summarise(sets: dict[str, list[Entry]], facts: Facts) -> str:
    """The page, in Markdown."""
    parts = [
        "# RATS channel A with Fisher transcripts",
        _sets_table(sets),
        _sources_table(facts),
        _dropped_table(facts),
        _notes(sets, facts),
        _problems(facts),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(header: list[str], rows: list[list[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _sets_table(sets: dict[str, list[Entry]]) -> str:
    rows = []
    for name, entries in sets.items():
        hours = sum(entry.seconds for entry in entries) / 3600
        speakers = len({entry.pin for entry in entries})
        words = sum(len(entry.text.split()) for entry in entries)
        rows.append([name, f"{hours:.2f}", len(entries), words, speakers])
    return _table(["set", "hours", "utterances", "words", "speakers"], rows)


def _sources_table(facts: Facts) -> str:
    counts = Counter(report["status"] for report in facts.reports)
    rows = [[status, count] for status, count in counts.most_common()]
    rows.append(["not English or not Fisher", facts.others])
    return _table(["sources", "number"], rows)


def _dropped_table(facts: Facts) -> str:
    if not facts.dropped:
        return ""
    counts = Counter(facts.dropped.values())
    hours = Counter()
    for utt_id, reason in facts.dropped.items():
        start, end = utt_id.split("-")[-3:-1]  # ...-<start>-<end>-A, in s / 100
        hours[reason] += (int(end) - int(start)) / 360000
    rows = [[why, n, f"{hours[why]:.2f}"] for why, n in counts.most_common()]
    return _table(["dropped utterances of usable sources", "number", "hours"], rows)


def _notes(sets: dict[str, list[Entry]], facts: Facts) -> str:
    usable = [report for report in facts.reports if report["status"] == "ok"]
    shifted = sum(r["used_shift"] != 0 for r in usable)
    refined = sum(r.get("lag_used") == "yes" and r["lag_ms"] != 0 for r in usable)
    unclear = sum(r.get("lag_used") == "no" for r in usable)
    worst = max((report["mad_ms"] for report in usable), default=0.0)
    test = {entry.pin for entry in sets["test"]}
    both = test & {entry.pin for entry in sets["train"] + sets["valid"]}
    odd = Counter(
        c for said in sets.values() for e in said for c in odd_characters(e.text)
    )
    notes = [
        f"Sources whose transcript is shifted against their speech: {shifted}",
        f"Boundaries scatter about the offset by at most {worst:.1f} ms (median, worst "
        "source)",
        f"Sources in which GCC-PHAT finds a lag other than 0: {refined}",
        f"Sources in which it finds no clear lag (tables alone decide): {unclear}",
        f"Speakers of test that are in train or valid too: {len(both)}",
    ]
    if odd:
        shown = ", ".join(f"{char!r} {count}" for char, count in odd.most_common())
        notes.append(f"Utterances with characters that are not expected: {shown}")
    for name, ids in facts.missing.items():
        if ids:
            what = f"Ids of the list of {name} that are not there: {len(ids)}"
            notes.append(f"{what}, such as {ids[0]}")
    return "\n".join(f"- {note}" for note in notes)


def _problems(facts: Facts) -> str:
    if not facts.problems:
        return ""
    lines = [f"Odd lines in the corpora's files: {len(facts.problems)}", ""]
    lines += [f"- {problem}" for problem in facts.problems[:SHOWN]]
    if len(facts.problems) > SHOWN:
        lines.append(f"- ... and {len(facts.problems) - SHOWN} more in problems.txt")
    return "\n".join(lines)
