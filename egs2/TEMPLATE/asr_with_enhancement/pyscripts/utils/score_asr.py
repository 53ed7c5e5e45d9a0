#!/usr/bin/env python3
"""Word, character or token error rate of a decoded set.

Reads Kaldi ``text`` files and writes into ``--outdir``:

* ``ref_spk1.trn``, ``hyp_spk1.trn``: ``<units><TAB>(<speaker>-<utterance>)``;
* ``result.txt``: sclite-like tables per speaker and in sum, percent then counts;
* ``alignments.txt``: every utterance with an error, reference over hypothesis;
* ``score.json``: the sums, written last (``error_rate`` is a fraction).

How the counts relate to NIST sclite's is said in ``SCLITE_NOTE``, which stands in
result.txt too, and checked by ``tests/test_sclite.py``. Measured with sclite 2.10 on
400 random pairs per row:

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

import argparse
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import sentencepiece
from asr_counts import Counts, align, total
from sclite_table import summary_tables
from score_files import (
    ScoreError,
    c_order,
    line_of,
    name_some,
    read_table,
    run_tool,
    write_files,
)

from espnet2.text.char_tokenizer import CharTokenizer
from espnet2.text.cleaner import TextCleaner

SCLITE_NOTE = """\
Counted by jiwer: fewest errors (Sub, Del and Ins cost 1), case-sensitive.
NIST "sclite -s" on the trn files beside this one: # Snt, # Wrd, S.Err and Del - Ins
are always the same, and so are all counts where three or more right units stand
between any two errors. Among crowded errors sclite, whose costs are 4 Sub, 3 Del,
3 Ins, may count a hit, a Del and an Ins for two Sub (same Err); seldom, where that
lowers its own cost, its Err is slightly higher than here, and never lower.
"""

Cut = Callable[[str], list[str]]


def main() -> None:
    """Score one hypothesis file against its reference."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", type=Path, required=True, help="Kaldi text")
    parser.add_argument("--hypothesis", type=Path, required=True, help="Kaldi text")
    parser.add_argument("--unit", choices=("word", "char", "token"), required=True)
    parser.add_argument("--bpemodel", type=Path, help="sentencepiece, for unit token")
    parser.add_argument("--cleaner", default="none", help="espnet2's, for both texts")
    parser.add_argument(
        "--nlsyms_txt", default="none", help="file of words not scored, or none"
    )
    parser.add_argument("--utt2spk", type=Path, required=True)
    parser.add_argument("--outdir", type=Path, required=True)
    args = parser.parse_args()

    silent = read_symbols(args.nlsyms_txt) if args.unit != "token" else set()
    cut = scored_part(make_cutter(args.unit, args.bpemodel), args.cleaner, silent)
    reference = read_units(args.reference, cut, demand_units=True)
    hypothesis = read_units(args.hypothesis, cut, demand_units=False)
    check_same_utterances(reference, args.reference, hypothesis, args.hypothesis)
    speaker_of = read_speakers(args.utt2spk, reference)
    texts = score(reference, hypothesis, speaker_of, args.unit)
    write_files({args.outdir / name: text for name, text in texts.items()})


def read_symbols(path: str) -> set[str]:
    """Return the non-linguistic symbols of a file, one a line; none of ``none``."""
    if path == "none":
        return set()
    try:
        return set(Path(path).read_text(encoding="utf-8").split())
    except OSError as error:
        raise ScoreError(f"{path}: cannot be read: {error.strerror}") from None


def scored_part(cut: Cut, cleaner: str, silent: set[str]) -> Cut:
    """Return ``cut`` of what is scored: the cleaned text without symbols.

    As in upstream's scoring the cleaner is that of the training text, which the model
    has learnt to write, and symbols such as <NOISE> count neither as right nor wrong
    words or characters.
    """
    try:
        clean = TextCleaner(None if cleaner == "none" else cleaner)
        clean("A")
    except RuntimeError as error:
        raise ScoreError(f"--cleaner {cleaner}: {error}") from None
    return lambda text: cut(" ".join(w for w in clean(text).split() if w not in silent))


def make_cutter(unit: str, bpemodel: Path | None) -> Cut:
    """Return the function that cuts a transcript into scoring units.

    Words are separated by white space; characters are those of ESPnet's
    ``CharTokenizer``, a space being ``<space>``; tokens are sentencepiece pieces.
    """
    if unit == "word":
        return str.split
    if unit == "char":
        tokenizer = CharTokenizer(space_symbol="<space>")
        return lambda text: tokenizer.text2tokens(" ".join(text.split()))
    if bpemodel is None:
        raise ScoreError("--unit token needs --bpemodel, a sentencepiece model")
    try:
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(bpemodel))
    except (OSError, RuntimeError):
        raise ScoreError(f"{bpemodel}: is not a sentencepiece model file") from None
    return lambda text: pieces.encode(" ".join(text.split()), out_type=str)


def read_units(path: Path, cut: Cut, demand_units: bool) -> dict[str, list[str]]:
    """Return utterance -> units of a Kaldi ``text`` file.

    Raises:
        ScoreError: as ``read_table``, or an utterance has no text and that is demanded.
    """
    texts = read_table(path)
    units = {utterance: cut(text) for utterance, text in texts.items()}
    empty = [utterance for utterance, text in texts.items() if not text.strip()]
    if empty and demand_units:
        raise ScoreError(
            f"{path}:{line_of(texts, empty[0])}: the reference of '{empty[0]}' is "
            "empty; remove the utterance from the test set"
        )
    return units


def check_same_utterances(
    reference: dict[str, list[str]],
    reference_path: Path,
    hypothesis: dict[str, list[str]],
    hypothesis_path: Path,
) -> None:
    """Raise ScoreError with the first ids when one side lacks utterances."""
    complaints = []
    for path, missing in (
        (hypothesis_path, reference.keys() - hypothesis.keys()),
        (reference_path, hypothesis.keys() - reference.keys()),
    ):
        if missing:
            complaints.append(
                f"{path} lacks {len(missing)} utterance(s): {name_some(missing)}"
            )
    if complaints:
        raise ScoreError("; ".join(complaints))


def read_speakers(path: Path, utterances: dict[str, list[str]]) -> dict[str, str]:
    """Return utterance -> speaker for all utterances, from a Kaldi ``utt2spk``."""
    speakers = read_table(path)
    missing = utterances.keys() - speakers.keys()
    if missing:
        raise ScoreError(
            f"{path} lacks {len(missing)} utterance(s): {name_some(missing)}"
        )
    for utterance in utterances:
        if len(speakers[utterance].split()) != 1:
            raise ScoreError(
                f"{path}:{line_of(speakers, utterance)}: expected "
                f"'<utterance> <speaker>', '{utterance}' has '{speakers[utterance]}'"
            )
    return speakers


def score(
    reference: dict[str, list[str]],
    hypothesis: dict[str, list[str]],
    speaker_of: dict[str, str],
    unit: str,
) -> dict[str, str]:
    """Return file name -> text of all outputs, ``score.json`` last."""
    counts_of_speaker: dict[str, Counts] = defaultdict(Counts)
    reference_lines, hypothesis_lines, drawings = [], [], []
    for utterance in c_order(reference):
        speaker = speaker_of[utterance]
        counts, drawing = align(reference[utterance], hypothesis[utterance])
        counts_of_speaker[speaker] += counts
        tag = f"\t({speaker}-{utterance})\n"
        reference_lines.append(" ".join(reference[utterance]) + tag)
        hypothesis_lines.append(" ".join(hypothesis[utterance]) + tag)
        if counts.errors:
            drawings.append(f"{_counts_line(speaker, utterance, counts)}\n{drawing}\n")
    in_order = {name: counts_of_speaker[name] for name in c_order(counts_of_speaker)}
    return {
        "ref_spk1.trn": "".join(reference_lines),
        "hyp_spk1.trn": "".join(hypothesis_lines),
        "alignments.txt": "\n".join(drawings) or "No utterance has an error.\n",
        "result.txt": f"Unit: {unit}\n{SCLITE_NOTE}\n{summary_tables(in_order)}",
        "score.json": total(in_order.values()).to_json(),
    }


def _counts_line(speaker: str, utterance: str, counts: Counts) -> str:
    return (
        f"id: ({speaker}-{utterance})  C {counts.hits}  S {counts.substitutions}"
        f"  D {counts.deletions}  I {counts.insertions}"
    )


if __name__ == "__main__":
    run_tool(main)
