"""Result tables in the shape of sclite's SYSTEM SUMMARY."""

from collections.abc import Callable

from asr_counts import Counts, total


def summary_tables(counts_of_speaker: dict[str, Counts]) -> str:
    """Return the table in percent, with one decimal, followed by the raw counts.

    Rows are the speakers in the given order, then ``Sum/Avg`` (percent) or ``Sum``
    (raw) over all of them. Units are relative to the number of reference units,
    ``S.Err`` to the number of sentences.
    """
    percent = ("SYSTEM SUMMARY PERCENTAGES by SPEAKER", "Sum/Avg", _percentages)
    raw = ("SYSTEM SUMMARY COUNTS by SPEAKER", "Sum", _raw_counts)
    return "\n".join(_table(counts_of_speaker, *form) for form in (percent, raw))


def percentages(counts: Counts) -> list[str]:
    """Return Corr, Sub, Del, Ins, Err (of units) and S.Err (of sentences) in percent.

    Each is text with one decimal, as in sclite's table.
    """
    of_units = (
        counts.hits,
        counts.substitutions,
        counts.deletions,
        counts.insertions,
        counts.errors,
    )
    shares = [100 * number / counts.reference_units for number in of_units]
    shares.append(100 * counts.sentences_with_errors / counts.sentences)
    return [f"{share:.1f}" for share in shares]


def _percentages(counts: Counts) -> list[str]:
    return [
        str(counts.sentences),
        str(counts.reference_units),
        *percentages(counts),
    ]


def _raw_counts(counts: Counts) -> list[str]:
    numbers = (
        counts.sentences,
        counts.reference_units,
        counts.hits,
        counts.substitutions,
        counts.deletions,
        counts.insertions,
        counts.errors,
        counts.sentences_with_errors,
    )
    return [str(number) for number in numbers]


def _table(
    counts_of_speaker: dict[str, Counts],
    title: str,
    sum_name: str,
    cells: Callable[[Counts], list[str]],
) -> str:
    width = max(len(name) for name in (*counts_of_speaker, sum_name, "SPKR"))
    rows = [
        _row(name, cells(counts), width) for name, counts in counts_of_speaker.items()
    ]
    header = ["# Snt", "# Wrd", "Corr", "Sub", "Del", "Ins", "Err", "S.Err"]
    head = _row("SPKR", header, width)
    sum_row = _row(sum_name, cells(total(counts_of_speaker.values())), width)
    thin, thick = (f"|{sign * (len(head) - 2)}|" for sign in "-=")
    return "\n".join([title, "", thin, head, thin, *rows, thick, sum_row, thin, ""])


def _row(name: str, cells: list[str], width: int) -> str:
    sizes = "".join(f"{cell:>8}" for cell in cells[:2])
    shares = "".join(f"{cell:>8}" for cell in cells[2:])
    return f"| {name:<{width}} |{sizes} |{shares} |"
