"""score_asr.py: counts worked by hand, invariants, and what it says of bad input."""

import json
import random
from pathlib import Path

import pytest
import sentencepiece
from in_process import run_script

from espnet2.results import alignment, sclite

UTILS = Path("egs2/TEMPLATE/asr_with_enhancement/pyscripts/utils")
OUTPUTS = {
    "ref_spk1.trn",
    "hyp_spk1.trn",
    "result.txt",
    "alignments.txt",
    "score.json",
}


@pytest.fixture
def score(repo_root, repo_env, tmp_path):
    """Run score_asr.py on texts; return the finished process and the output folder."""

    def run(reference, hypothesis, utt2spk, unit="word", extra=()):
        inputs = {"ref": reference, "hyp": hypothesis, "utt2spk": utt2spk}
        for name, content in inputs.items():
            data = content if isinstance(content, bytes) else content.encode("utf-8")
            (tmp_path / name).write_bytes(data)
        outdir = tmp_path / "out dir"
        words = ["--reference", tmp_path / "ref", "--unit", unit]
        words += ["--hypothesis", tmp_path / "hyp", "--outdir", outdir]
        words += ["--utt2spk", tmp_path / "utt2spk", *extra]
        return run_script(repo_root / UTILS / "score_asr.py", *words), outdir

    return run


@pytest.fixture
def align():
    """Return (hits, substitutions, deletions, insertions) of two sentences."""

    def run(reference, hypothesis):
        counts, _ = alignment.align(reference.split(), hypothesis.split())
        return (
            counts.hits,
            counts.substitutions,
            counts.deletions,
            counts.insertions,
        )

    return run


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("A B C D", "A X C", (2, 1, 1, 0)),
        ("A B", "A B", (2, 0, 0, 0)),
        ("A B C", "", (0, 0, 3, 0)),
        ("A B", "A X Y B Z", (2, 0, 0, 3)),
        ("A", "a", (0, 1, 0, 0)),
        ("Größe ひ 水", "Größe ひ 氷 水", (3, 0, 0, 1)),
        ("* @ {", "* @ {", (3, 0, 0, 0)),
    ],
)
def test_counts_are_those_worked_by_hand(align, reference, hypothesis, expected):
    assert align(reference, hypothesis) == expected


def edit_distance(reference, hypothesis):
    """Return the Levenshtein distance by the textbook recursion, row by row."""
    row = list(range(len(hypothesis) + 1))
    for i, left in enumerate(reference, start=1):
        above, row = row, [i]
        for j, right in enumerate(hypothesis, start=1):
            best = min(above[j] + 1, row[-1] + 1, above[j - 1] + (left != right))
            row.append(best)
    return row[-1]


def test_counts_add_up_to_both_lengths_and_to_the_edit_distance(align):
    rng = random.Random(0)
    for _ in range(100):
        reference = rng.choices("abc", k=rng.randint(1, 12))
        hypothesis = rng.choices("abc", k=rng.randint(0, 12))
        hits, subs, dels, ins = align(" ".join(reference), " ".join(hypothesis))
        assert hits + subs + dels == len(reference)
        assert hits + subs + ins == len(hypothesis)
        assert subs + dels + ins == edit_distance(reference, hypothesis)


def test_word_scoring_writes_all_files_with_the_right_figures(score):
    done, outdir = score(
        "u2 hello  world\nu1 A B C D\nu3 x y\n",
        "u1 A X C\nu3\nu2 hello world\n",
        "u1 s1\nu2 s1\nu3 s2\n",
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in outdir.iterdir()} == OUTPUTS
    assert (outdir / "ref_spk1.trn").read_text() == (
        "A B C D\t(s1-u1)\nhello world\t(s1-u2)\nx y\t(s2-u3)\n"
    )
    hypothesis_lines = (outdir / "hyp_spk1.trn").read_text().splitlines()
    assert hypothesis_lines == ["A X C\t(s1-u1)", "hello world\t(s1-u2)", "\t(s2-u3)"]
    assert json.loads((outdir / "score.json").read_text()) == {
        "hits": 4,
        "substitutions": 1,
        "deletions": 3,
        "insertions": 0,
        "sentences": 3,
        "sentences_with_errors": 2,
        "reference_units": 8,
        "error_rate": 0.5,
    }
    table = [line.split() for line in (outdir / "result.txt").read_text().splitlines()]
    percent = "| s1 | 2 6 | 66.7 16.7 16.7 0.0 33.3 50.0 |".split()
    assert percent in table
    assert "| Sum/Avg | 3 8 | 50.0 12.5 37.5 0.0 50.0 66.7 |".split() in table
    assert "| s2 | 1 2 | 0 0 2 0 2 1 |".split() in table
    assert "| Sum | 3 8 | 4 1 3 0 4 2 |".split() in table
    drawn = (outdir / "alignments.txt").read_text()
    assert "(s1-u1)" in drawn and "REF: A B C D\nHYP: A X C *\n" in drawn
    assert "(s1-u2)" not in drawn  # it has no error


def test_rows_of_the_speakers_sum_to_the_total():
    rng = random.Random(1)
    names = [f"u{n:02d}" for n in range(40)]
    reference = {name: rng.choices("abcde", k=rng.randint(1, 9)) for name in names}
    hypothesis = {name: rng.choices("abcde", k=rng.randint(0, 9)) for name in names}
    speakers = {name: rng.choice(["x", "y", "longer-name"]) for name in names}
    texts = sclite.score(reference, hypothesis, speakers, "word")
    counts_table = texts["result.txt"].split("COUNTS by SPEAKER")[1]
    rows = {}
    for line in counts_table.splitlines():
        cells = line.replace("|", " ").split()
        if len(cells) == 9:
            rows[cells[0]] = [int(cell) for cell in cells[1:]]
    speaker_rows = [rows[name] for name in ("x", "y", "longer-name")]
    assert [sum(column) for column in zip(*speaker_rows, strict=True)] == rows["Sum"]
    assert len({len(line) for line in counts_table.splitlines() if "|" in line}) == 1


def test_characters_count_the_space_and_unicode_letters_as_one_each(score):
    done, outdir = score("u1 né  水\n", "u1 ne水\n", "u1 s\n", unit="char")
    assert done.returncode == 0, done.stderr
    reference_line = (outdir / "ref_spk1.trn").read_text(encoding="utf-8")
    assert reference_line == "n é <space> 水\t(s-u1)\n"
    counts = json.loads((outdir / "score.json").read_text())
    names = ("hits", "substitutions", "deletions", "insertions")
    assert [counts[name] for name in names] == [2, 1, 1, 0]


def test_tokens_are_pieces_of_the_sentencepiece_model(score, tmp_path):
    (tmp_path / "train").write_text("the cat sat\nthe hat\nthat cat\n" * 20)
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "train"),
        model_prefix=str(tmp_path / "bpe"),
        vocab_size=14,
        minloglevel=2,
    )
    model = tmp_path / "bpe.model"
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(model))
    wanted = pieces.encode("the cat", out_type=str)
    texts = ("u1 the  cat\n", "u1 the cat\n", "u1 s\n")
    done, outdir = score(*texts, unit="token", extra=("--bpemodel", model))
    assert done.returncode == 0, done.stderr
    assert (outdir / "ref_spk1.trn").read_text().split("\t")[0].split() == wanted
    counts = json.loads((outdir / "score.json").read_text())
    assert counts["hits"] == counts["reference_units"] == len(wanted)
    assert "No utterance has an error" in (outdir / "alignments.txt").read_text()


@pytest.mark.parametrize(
    ("reference", "hypothesis", "utt2spk", "words"),
    [
        ("a x\nb y\n", "a x\n", "a s\nb s\n", ["hyp lacks 1", "b"]),
        ("a x\n", "a x\nc z\n", "a s\n", ["ref lacks 1", "c"]),
        ("a x\nb y\na z\n", "a x\nb y\n", "a s\nb s\n", ["ref:3", "id a"]),
        ("a x\n", "a x\na x\n", "a s\n", ["hyp:2", "id a"]),
        ("a x\nb\n", "a x\nb y\n", "a s\nb s\n", ["ref:2", "'b'", "empty"]),
        ("a x\n\nb y\n", "a x\nb y\n", "a s\nb s\n", ["ref:2", "no id"]),
        ("", "a x\n", "a s\n", ["ref", "is empty"]),
        ("a x\nb y\n", "a x\nb y\n", "a s\n", ["utt2spk lacks 1", "b"]),
        ("a x\nb y\n", "a x\nb y\n", "a s\nb s t\n", ["utt2spk:2", "'b'"]),
        ("a x\n", b"a \xff\n", "a s\n", ["hyp:1", "UTF-8"]),
    ],
)
def test_bad_input_is_one_line_that_names_the_place(
    score, reference, hypothesis, utt2spk, words
):
    done, outdir = score(reference, hypothesis, utt2spk)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert not outdir.exists()


def test_only_the_first_missing_ids_are_named(score):
    many = "".join(f"u{n:02d} x\n" for n in range(9))
    done, _ = score(many, "u00 x\n", many)
    assert "lacks 8 utterance(s): u01, u02, u03, u04, u05 and 3 more" in done.stderr


def test_token_scoring_without_a_usable_model_is_an_error(score, tmp_path):
    texts = ("a x\n", "a x\n", "a s\n")
    done, _ = score(*texts, unit="token")
    assert done.returncode == 1 and "--bpemodel" in done.stderr
    for name in ("absent.model", "ref"):
        extra = ("--bpemodel", tmp_path / name)
        done, _ = score(*texts, unit="token", extra=extra)
        assert done.returncode == 1
        assert name in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_a_failed_run_leaves_the_earlier_result_whole(score):
    score("a x y\n", "a x\n", "a s\n")
    done, outdir = score("a x y\n", "b x\n", "a s\n")
    assert done.returncode == 1
    assert json.loads((outdir / "score.json").read_text())["deletions"] == 1
    assert {path.name for path in outdir.iterdir()} == OUTPUTS


def test_a_unicode_line_separator_does_not_split_a_transcript(score):
    done, outdir = score("a x\u2028y\n", "a x y\n", "a s\n")
    assert done.returncode == 0, done.stderr
    assert json.loads((outdir / "score.json").read_text())["hits"] == 2


def test_non_linguistic_symbols_count_neither_as_right_nor_as_wrong(score, tmp_path):
    symbols = tmp_path / "nlsyms.txt"
    symbols.write_text("<NOISE>\n")
    texts = "a <NOISE> X Y\nb <NOISE>\n", "a X <NOISE> <NOISE> Z\nb \n", "a s\nb s\n"
    for unit, expected in (("word", (1, 2)), ("char", (1, 3))):
        done, outdir = score(*texts, unit=unit, extra=("--nlsyms_txt", symbols))
        assert done.returncode == 0, done.stderr
        counts = json.loads((outdir / "score.json").read_text())
        errors = sum(counts[k] for k in ("substitutions", "deletions", "insertions"))
        assert (errors, errors + counts["hits"]) == expected


def test_the_training_texts_cleaner_is_used_on_both_texts(score):
    texts = "a x Mr. y\n", "a X MISTER Y\n", "a s\n"
    done, outdir = score(*texts, extra=("--cleaner", "tacotron"))
    assert done.returncode == 0, done.stderr
    assert json.loads((outdir / "score.json").read_text())["error_rate"] == 0


def test_an_unknown_cleaner_or_symbol_file_is_an_error(score, tmp_path):
    texts = "a x\n", "a x\n", "a s\n"
    done, _ = score(*texts, extra=("--cleaner", "no_such"))
    assert done.returncode == 1 and "--cleaner no_such" in done.stderr
    done, _ = score(*texts, extra=("--nlsyms_txt", tmp_path / "nothing"))
    assert done.returncode == 1 and "nothing: cannot be read" in done.stderr
