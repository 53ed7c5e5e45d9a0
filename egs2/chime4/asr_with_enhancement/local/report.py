"""What was found in CHiME-4: a page to read, and tables to look single files up.

``summary.md`` has sets, sources of references and everything odd; ``references.tsv``
a line for each training or test file with what was measured; ``skipped.tsv`` the
utterances left out, with the reason.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from clean_references import Reference
from data_folders import Entry
from wsj_text import NOISE, strange_tokens

from espnet2.data_dir.tables import write_lines

# Utterances of the sets as published, on one channel, and words of the test sets in
# ESPnet's scores, where <NOISE> does not count
OFFICIAL = {
    "tr05_simu": (7138, ""),
    "tr05_real": (1600, ""),
    "dt05_simu": (1640, 27120),
    "dt05_real": (1640, 27119),
    "et05_simu": (1320, 21416),
    "et05_real": (1320, 21409),
}
MAX_STRANGE = 20


@dataclass
class SetReport:
    """What became of a set."""

    name: str  # tr05_simu
    entries: list[Entry]  # what is used
    skipped: dict[str, str]  # what is left out -> reason
    references: Mapping[str, Reference]  # of all audio files


def write_report(
    folder: Path,
    sets: Sequence[SetReport],
    track: str,
    copies: int,
    notes: Iterable[str],
) -> None:
    """Write the three files of a ``track``, 1ch or 6ch.

    ``copies`` says how often training has each utterance, once for each channel.
    """
    sections = {
        "Sets": ["", *_set_table(sets, copies)],
        "Clean references": _reference_tables(sets),
        "Left out": _reason_lines(sets),
        "To know": [*(f"- {note}" for note in notes), *_strange_lines(sets)],
    }
    lines = [f"# CHiME-4, {track[0]}-channel track: what was found"]
    for title, body in sections.items():
        lines += ["", f"## {title}", *body]
    write_lines(folder / "summary.md", lines)
    write_lines(folder / "references.tsv", _reference_lines(sets))
    write_lines(folder / "skipped.tsv", _skipped_lines(sets))


def _set_table(sets: Iterable[SetReport], copies: int) -> list[str]:
    lines = [
        "| set | files | published | hours | words | published | SIMU | REAL |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for report in sets:
        wanted, known = OFFICIAL[report.name]
        wanted *= copies if report.name.startswith("tr05") else 1
        used = len(report.entries)
        differs = "" if used == wanted else " (differs)"
        hours = sum(e.seconds for e in report.entries) / 3600
        words = sum(w != NOISE for e in report.entries for w in e.text.split())
        kinds = Counter(e.category for e in report.entries)
        row = [report.name, f"{used}{differs}", wanted, f"{hours:.2f}", words, known]
        row += [kinds["SIMU"], kinds["REAL"]]
        lines.append(f"| {' | '.join(map(str, row))} |")
    return lines


def _reference_tables(sets: Iterable[SetReport]) -> list[str]:
    lines = []
    for report in sets:
        if not report.name.endswith("_simu"):
            continue
        found = list(report.references.values())
        sources = Counter(r.source for r in found)
        parts = ", ".join(f"{n} {source}" for source, n in sorted(sources.items()))
        lines.append(f"- {report.name}: {parts}")
        made = [asdict(r.figures) for r in found if r.source == "subtracted"]
        for name in made[0] if made else ():
            lines.append(f"  - {name}: {_spread([figures[name] for figures in made])}")
        reasons = Counter(_kind(r.reason) for r in found if r.reason)
        lines += [f"  - {n} times: {reason}" for reason, n in reasons.most_common()]
    return lines


def _spread(values: list[float]) -> str:
    known = [v for v in values if v == v]
    if not known:
        return "not known"
    unknown = len(values) - len(known)
    more = f", not known of {unknown}" if unknown else ""
    middle = statistics.median(known)
    return f"median {middle:.3g}, {min(known):.3g} to {max(known):.3g}{more}"


def _kind(reason: str) -> str:
    """The reason without the numbers and the file that differ between files."""
    words = (w for w in reason.split() if "/" not in w)
    return " ".join("N" if any(c.isdigit() for c in w) else w for w in words)


def _reason_lines(sets: Iterable[SetReport]) -> list[str]:
    reasons = Counter(
        f"{report.name}: {_kind(reason)}"
        for report in sets
        for reason in report.skipped.values()
    )
    lines = [f"- {count} of {reason}" for reason, count in reasons.most_common()]
    return lines or ["Nothing."]


def _strange_lines(sets: Iterable[SetReport]) -> list[str]:
    strange = strange_tokens(e.text for report in sets for e in report.entries)
    shown = ", ".join(f"`{w}` {n}" for w, n in list(strange.items())[:MAX_STRANGE])
    if not shown:
        return []
    return [f"- Words with other signs than letters ({len(strange)}): {shown}"]


def _reference_lines(sets: Iterable[SetReport]) -> list[str]:
    header = "file source noise_gain shift lead_db correlation clipped samples reason"
    lines = ["\t".join(header.split())]
    for report in sets:
        for key, found in sorted(report.references.items()):
            f = found.figures
            figures = f"{f.noise_gain:.4f}\t{f.shift}\t{f.lead_db:.1f}"
            figures += f"\t{f.correlation:.3f}\t{f.clipped}\t{found.samples}"
            reason = " ".join(found.reason.split())
            lines.append(f"{report.name}/{key}\t{found.source}\t{figures}\t{reason}")
    return lines


def _skipped_lines(sets: Iterable[SetReport]) -> list[str]:
    lines = ["set\tutterance\treason"]
    for report in sets:
        for name, reason in sorted(report.skipped.items()):
            lines.append(f"{report.name}\t{name}\t{' '.join(reason.split())}")
    return lines
