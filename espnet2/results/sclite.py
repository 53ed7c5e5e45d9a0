"""The files of a scored set, in the forms of NIST sclite: made, and read back.

How the counts relate to sclite's is said in ``SCLITE_NOTE``, which stands in result.txt
too, and checked by ``tests/test_sclite.py``. Measured with sclite 2.10 on 400 random
pairs per row:

=====================  ===============  =============  ==================
pairs                  all four counts  total errors   error rate in %
                       agree            agree          (here / sclite)
=====================  ===============  =============  ==================
words, 5 % errors      400              400            4.65 / 4.65
words, 20 % errors     389              400            19.61 / 19.61
words, 40 % errors     371              400            38.74 / 38.74
characters, 18 %       358              397            17.60 / 17.62
unrelated sentences    381              399            126.14 / 126.18
=====================  ===============  =============  ==================

Without ``-s`` sclite ignores case, and it reads ``{ a / b }`` and ``@`` in a transcript
as its own markup; here every unit is literal.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from espnet2.data_dir.tables import DataError, read_lines
from espnet2.results.alignment import Counts, align, total
from espnet2.results.units import Units

SCLITE_NOTE = """\
Counted by jiwer: fewest errors (Sub, Del and Ins cost 1), case-sensitive.
NIST "sclite -s" on the trn files beside this one: # Snt, # Wrd, S.Err and Del - Ins
are always the same, and so are all counts where three or more right units stand
between any two errors. Among crowded errors sclite, whose costs are 4 Sub, 3 Del,
3 Ins, may count a hit, a Del and an Ins for two Sub (same Err); seldom, where that
lowers its own cost, its Err is slightly higher than here, and never lower.
"""
HEADER = ("# Snt", "# Wrd", "Corr", "Sub", "Del", "Ins", "Err", "S.Err")


def score(
    reference: Units, hypothesis: Units, speaker_of: Mapping[str, str], unit: str
) -> dict[str, str]:
    """Return file name -> text of all outputs, ``score.json`` last."""
    counts_of: dict[str, list[Counts]] = defaultdict(list)
    reference_lines, hypothesis_lines, drawings = [], [], []
    for utterance in sorted(reference):
        speaker = speaker_of[utterance]
        alignment = align(reference[utterance], hypothesis[utterance])
        counts_of[speaker].append(alignment.counts)
        tag = f"({speaker}-{utterance})"
        reference_lines.append(f"{' '.join(reference[utterance])}\t{tag}\n")
        hypothesis_lines.append(f"{' '.join(hypothesis[utterance])}\t{tag}\n")
        if alignment.counts.errors:
            counts = zip("CSDI", figures(alignment.counts)[:4], strict=True)
            numbers = "".join(f"  {letter} {number}" for letter, number in counts)
            drawings.append(f"id: {tag}{numbers}\n{alignment.drawing}\n")
    in_order = {name: total(counts_of[name]) for name in sorted(counts_of)}
    return {
        "ref_spk1.trn": "".join(reference_lines),
        "hyp_spk1.trn": "".join(hypothesis_lines),
        "alignments.txt": "\n".join(drawings) or "No utterance has an error.\n",
        "result.txt": f"Unit: {unit}\n{SCLITE_NOTE}\n{summary_tables(in_order)}",
        "score.json": total(in_order.values()).to_json(),
    }


def figures(counts: Counts) -> list[int]:
    """Return Corr, Sub, Del, Ins, Err (units) and S.Err (sentences)."""
    names = ("hits", "substitutions", "deletions", "insertions", "errors")
    return [getattr(counts, name) for name in (*names, "sentences_with_errors")]


def percentages(counts: Counts) -> list[str]:
    """Return the figures in percent, as in sclite's table with one decimal.

    They are relative to the number of reference units, S.Err to that of sentences.
    """
    wholes = [counts.reference_units] * 5 + [counts.sentences]
    pairs = zip(figures(counts), wholes, strict=True)
    return [f"{100 * number / whole:.1f}" for number, whole in pairs]


def summary_tables(counts_of_speaker: Mapping[str, Counts]) -> str:
    """Return the table in percent, with one decimal, followed by the raw counts.

    Rows are the speakers in the given order, then ``Sum/Avg`` (percent) or ``Sum``
    (raw) over all of them.
    """
    return "\n".join(
        _table(counts_of_speaker, f"SYSTEM SUMMARY {title} by SPEAKER", sum_name, cells)
        for title, sum_name, cells in (
            ("PERCENTAGES", "Sum/Avg", percentages),
            ("COUNTS", "Sum", figures),
        )
    )


def _table(
    counts_of_speaker: Mapping[str, Counts],
    title: str,
    sum_name: str,
    cells: Callable[[Counts], list],
) -> str:
    width = max(len(name) for name in (*counts_of_speaker, sum_name, "SPKR"))

    def row(name: str, counts: Counts) -> str:
        sizes = counts.sentences, counts.reference_units
        return _row(name, [*sizes, *cells(counts)], width)

    head = _row("SPKR", HEADER, width)
    rows = [row(name, counts) for name, counts in counts_of_speaker.items()]
    sum_row = row(sum_name, total(counts_of_speaker.values()))
    thin, thick = (f"|{sign * (len(head) - 2)}|" for sign in "-=")
    return "\n".join([title, "", thin, head, thin, *rows, thick, sum_row, thin, ""])


def _row(name: str, cells: Sequence[object], width: int) -> str:
    texts = [f"{cell:>8}" for cell in cells]
    return f"| {name:<{width}} |{''.join(texts[:2])} |{''.join(texts[2:])} |"


def read_trn(path: Path, utterances: list[str]) -> list[list[str]]:
    """Return the scored units of each utterance from a ``.trn`` file.

    Args:
        path: lines of ``<units><TAB>(<speaker>-<utterance>)``, in C order.
        utterances: their ids, in C order.

    Raises:
        DataError: as `read_lines`, or the lines are of other utterances.
    """
    lines = [line.rpartition("\t") for _, line in read_lines(path)]
    if len(lines) != len(utterances):
        raise DataError(
            f"{path}: has {len(lines)} utterances, the decoded text "
            f"{len(utterances)}; run stage 14 again"
        )
    pairs = zip(utterances, lines, strict=True)
    for number, (utterance, (*_, tag)) in enumerate(pairs, start=1):
        if not tag.endswith(f"-{utterance})"):
            raise DataError(
                f"{path}:{number}: is not of '{utterance}'; run stage 14 again"
            )
    return [text.split(" ") if text else [] for text, *_ in lines]
