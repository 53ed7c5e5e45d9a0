"""What score_asr.py's counts have in common with those of NIST sclite.

sclite (package sctk) is not part of the installation: without it these tests are
skipped. Its alignment costs are 4 (Sub), 3 (Del), 3 (Ins), ours 1, 1, 1.
"""

import random
import re
import shutil
import subprocess

import pytest

from espnet2.results import sclite
from espnet2.results.alignment import align

SCORES = re.compile(
    r"id: \(s\d-(u\d+)\)\nScores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)"
)
WORDS = [f"word{n}" for n in range(60)]


def find_sclite():
    """Return the command that starts sclite, or None."""
    if shutil.which("sclite"):
        return ["sclite"]
    if shutil.which("sctk"):  # Debian's wrapper
        return ["sctk", "sclite"]
    return None


SCLITE = find_sclite()
pytestmark = pytest.mark.skipif(
    SCLITE is None, reason="NIST sclite is not installed (Debian package sctk)"
)


def garble(reference, error_rate, rng):
    """Return a hypothesis as a recogniser might give it."""
    hypothesis = []
    for word in reference:
        draw = rng.random() / error_rate
        if 0.6 <= draw < 0.8:
            continue  # deleted
        hypothesis.append(rng.choice(WORDS) if draw < 0.6 else word)
        if 0.8 <= draw < 1.0:
            hypothesis.append(rng.choice(WORDS))
    return hypothesis


def garble_sparsely(reference, rng):
    """Return a hypothesis with one error in every five words, three or more apart."""
    hypothesis = []
    for start in range(0, len(reference), 5):
        block = list(reference[start : start + 5])
        error = rng.choice(["none", "sub", "del", "ins"])
        if error == "sub":
            block[0] = "other"
        elif error == "del":
            del block[0]
        elif error == "ins":
            block.insert(0, "other")
        hypothesis += block
    return hypothesis


@pytest.fixture
def both_counts(tmp_path):
    """Return for each pair our and sclite's (C, S, D, I)."""

    def run(pairs):
        names = [f"u{n:04d}" for n in range(len(pairs))]
        reference = {name: pair[0] for name, pair in zip(names, pairs, strict=True)}
        hypothesis = {name: pair[1] for name, pair in zip(names, pairs, strict=True)}
        speakers = {name: f"s{n % 3}" for n, name in enumerate(names)}
        texts = sclite.score(reference, hypothesis, speakers, "word")
        for name in ("ref_spk1.trn", "hyp_spk1.trn"):
            (tmp_path / name).write_text(texts[name], encoding="utf-8")
        command = [*SCLITE, "-s", "-i", "rm", "-o", "all", "stdout"]
        command += ["-r", str(tmp_path / "ref_spk1.trn"), "trn"]
        command += ["-h", str(tmp_path / "hyp_spk1.trn"), "trn"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        theirs = {
            m[1]: tuple(map(int, m.groups()[1:])) for m in SCORES.finditer(done.stdout)
        }
        assert theirs.keys() == reference.keys()
        counts = [align(*pair).counts for pair in pairs]
        ours = [(c.hits, c.substitutions, c.deletions, c.insertions) for c in counts]
        rows = (done.stdout, texts["result.txt"])
        return ours, [theirs[name] for name in names], rows

    return run


def sum_rows(text):
    """Return the figures of the percent row ``Sum/Avg`` and of the counts row."""
    lines = [line.replace("|", " ").split() for line in text.splitlines()]
    rows = [cells for cells in lines if cells and cells[0] in ("Sum/Avg", "Sum")]
    return [cells[1:] for cells in rows[:2]]


def test_all_counts_agree_where_three_right_words_stand_between_errors(both_counts):
    rng = random.Random(0)
    references = [rng.sample(WORDS, rng.randint(1, 30)) for _ in range(300)]
    pairs = [(words, garble_sparsely(words, rng)) for words in references]
    ours, theirs, (their_text, our_text) = both_counts(pairs)
    assert ours == theirs
    assert sum_rows(our_text) == sum_rows(their_text)


def test_recogniser_like_errors_agree_in_total(both_counts):
    rng = random.Random(0)
    references = [rng.choices(WORDS, k=rng.randint(3, 25)) for _ in range(300)]
    pairs = [(words, garble(words, 0.2, rng)) for words in references]
    ours, theirs, _ = both_counts(pairs)
    assert [sum(counts[1:]) for counts in ours] == [sum(c[1:]) for c in theirs]
    same = sum(mine == other for mine, other in zip(ours, theirs, strict=True))
    assert same >= 0.95 * len(pairs)


@pytest.mark.parametrize("symbols", ["abc", WORDS])
def test_each_aligner_is_best_by_its_own_costs(both_counts, symbols):
    rng = random.Random(0)
    pairs = [
        (
            rng.choices(symbols, k=rng.randint(1, 20)),
            rng.choices(symbols, k=rng.randint(0, 20)),
        )
        for _ in range(300)
    ]
    ours, theirs, _ = both_counts(pairs)
    for (hits, subs, dels, ins), (hits_2, subs_2, dels_2, ins_2) in zip(
        ours, theirs, strict=True
    ):
        assert subs + dels + ins <= subs_2 + dels_2 + ins_2
        assert 4 * subs_2 + 3 * (dels_2 + ins_2) <= 4 * subs + 3 * (dels + ins)
        assert dels - ins == dels_2 - ins_2
        assert hits + subs + dels == hits_2 + subs_2 + dels_2
