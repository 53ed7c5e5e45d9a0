"""Seen and unseen recognisers side by side: tables, summary, page, the share chosen."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from in_process import run_script

from espnet2.bin.result_page import main
from espnet2.data_dir.tables import DataError
from espnet2.results.recognisers import best_share, find_listeners, tried_shares

TEMPLATE = "egs2/TEMPLATE/asr_with_enhancement"
REFERENCES = {"u1": "one two", "u2": "three four five", "u3": "six"}  # 6 words
NOISY = {"u1": "one", "u2": "three", "u3": "six"}  # 3 errors
ENHANCED = {**REFERENCES, "u3": "seven"}  # 1 error
MIXED = {**REFERENCES, "u1": "one too", "u3": "seven"}  # 2 errors


@pytest.fixture
def recipe(import_script, tmp_path, monkeypatch):
    """An experiment whose own and another recogniser have heard the set ``test``."""
    fake = import_script("tests/browser/fake_results.py").FakeRecipe(Path("."))
    monkeypatch.chdir(tmp_path)
    fake.add_set(REFERENCES)
    fake.decode("a", REFERENCES)
    for heard, texts in (
        ("own/noisy", NOISY),
        ("own/enhanced", REFERENCES),
        ("own/clean", REFERENCES),
        ("big/noisy", NOISY),
        ("big/enhanced", ENHANCED),
        ("big/share_0.25", MIXED),
    ):
        fake.decode("a", texts, tag=f"recognisers/{heard}")
    return fake


@pytest.fixture
def script(repo_root):
    """Run one of the recipe's scripts; what came of it."""
    scripts = repo_root / TEMPLATE / "pyscripts"
    return lambda name, *words: run_script(scripts / name, *words)


def write_errors(folder: Path, errors: int) -> None:
    counts = {"hits": 10 - errors, "substitutions": errors, "deletions": 0}
    counts |= {"insertions": 0, "sentences": 4, "sentences_with_errors": errors}
    (folder / "score_wer").mkdir(parents=True)
    (folder / "score_wer/score.json").write_text(json.dumps(counts))


def try_shares(recogniser: Path, **errors: int) -> None:
    for share, count in errors.items():
        write_errors(recogniser / f"tried_0.{share[1:]}" / "valid", count)


def test_the_table_has_the_figures_worked_by_hand(recipe, script):
    try_shares(Path("exp/a/recognisers/big"), s1=4, s25=2, s5=2)
    done = script("utils/show_recognisers.py", "exp/a")
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if "|" in line]
    results, choice = rows[:5], rows[5:]
    assert [row[:9] for row in results[2:]] == [
        ["own", "seen", "-", "test", "3", "6", "50.0", "0.0", "0.0"],
        ["big", "unseen", "-", "test", "3", "6", "50.0", "16.7", "-"],
        ["big", "unseen", "0.25", "test", "3", "6", "50.0", "33.3", "-"],
    ]
    assert results[0][6:9] == ["WER noisy", "WER enhanced", "WER clean"]
    assert choice[2:] == [
        ["big", "0.1", "4", "10", "4", "40.0", ""],
        ["big", "0.25", "4", "10", "2", "20.0", "yes"],
        ["big", "0.5", "4", "10", "2", "20.0", ""],
    ]


def test_an_experiment_without_other_recognisers_says_how_to_have_them(
    script, tmp_path
):
    done = script("utils/show_recognisers.py", str(tmp_path))
    assert (
        done.returncode == 1 and "--unseen_asr_models or --noisy_share" in done.stderr
    )


def test_of_shares_with_as_few_errors_the_smallest_is_chosen(tmp_path):
    try_shares(tmp_path, s5=1, s10=1, s2=3)
    assert best_share(tried_shares(tmp_path)) == "0.10"
    with pytest.raises(DataError, match="no share of noisy speech was tried"):
        best_share({})


def test_the_summary_and_the_page_show_them_side_by_side(recipe, script, capsys):
    options = ["--exp", "exp/a", "--dumpdir", "dump", "--test_sets", "test"]
    printed = script("utils/show_summary.py", *options).stdout
    rows = [[c.strip() for c in x.split("|")] for x in printed.splitlines() if "|" in x]
    assert ["", "own", "seen", "-", "test", "50.0 -> 0.0"] in [r[:6] for r in rows]
    assert ["", "big", "unseen", "0.25", "test", "50.0 -> 33.3"] in [
        r[:6] for r in rows
    ]
    main(["exp/a"])
    page = Path("exp/a/report.html").read_text()
    table = page.split('id="table-recognisers"')[1].split("</table>")[0]
    assert table.count("<tr>") == 4 and "unseen" in table
    assert 'data-value="16.666' in table and "\u221233.3" in table
    assert 'id="table-recognition"' in page


def test_a_page_without_other_recognisers_has_no_such_table(recipe, tmp_path):
    (tmp_path / "exp/a/recognisers").rename(tmp_path / "away")
    assert find_listeners(Path("exp/a")) == []
    main(["exp/a"])
    assert "table-recognisers" not in Path("exp/a/report.html").read_text()


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("u1 ONE TWO", "u1 ONE THREE"),
        ("u1 one", "u1 one three"),
        ("u1 One", "u1 One Three"),
    ],
)
def test_a_text_gets_the_one_case_of_the_reference(
    script, tmp_path, reference, expected
):
    for name, text in (("ref", reference), ("hyp", "u1 One Three\nu2")):
        (tmp_path / name).write_text(f"{text}\n")
    words = ["--reference", str(tmp_path / "ref"), str(tmp_path / "hyp")]
    assert script("text/match_case.py", *words).stdout == f"{expected}\nu2\n"


CHOOSING = """
set -euo pipefail
valid_set=va dump=dump recognisers=exp/recognisers
. scripts/utils/recognisers.sh
hear_mixture() { echo "hears $*"; }
choose_share big
echo "chosen ${share}"
"""


@pytest.fixture
def bash(repo_root, repo_env, tmp_path):
    """Run bash commands in a folder with the recipe's scripts; what they print."""
    for name in ("scripts", "pyscripts", "utils"):
        (tmp_path / name).symlink_to(repo_root / TEMPLATE / name)

    def run(commands: str, *words: str) -> str:
        done = subprocess.run(
            ["bash", "-c", commands, "bash", *words],
            cwd=tmp_path,
            env=repo_env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_share_is_chosen_on_the_validation_set_with_progress(bash, tmp_path):
    try_shares(tmp_path / "exp/recognisers/big", s0=5, s1=4, s2=3, s3=2, s4=2, s5=9)
    (tmp_path / "dump/va").mkdir(parents=True)
    (tmp_path / "dump/va/wav.scp").touch()
    printed = bash(CHOOSING)
    assert printed.splitlines()[-1] == "chosen 0.3"
    assert "hears big tried_0.5 va" in printed
    assert "big: a share of 0.2 on va (3 of 6)" in printed


HEARING = """
set -euo pipefail
expdir=exp dump=dump fs=8k ref_channel='' cleaner=none nlsyms_txt=none batch_size=1
gpu_inference=false decode_cmd=run.pl asr_inference_args='' inference_config=''
lm_files=()
recognisers=exp/${1}/recognisers
. scripts/utils/recognisers.sh
hear_anew() {
    remove_result "${dir}" made_by
    mkdir -p "${dir}"
    echo "${dir}" > "${dir}/text"
    echo "${made_by}" > "${dir}/made_by"
    echo "decodes ${dir}"
}
hear "${2}" "${3}" test dump/test/wav.scp
"""


def test_experiments_share_what_an_unseen_recogniser_makes_of_noisy_speech(
    bash, tmp_path
):
    """PocketSphinx heard the same noisy and clean speech anew for each experiment."""
    for name in (
        "a/recognisers/own/model",
        "b/recognisers/own/model",
        "unseen_asr_big",
    ):
        (tmp_path / "exp" / name).mkdir(parents=True)
        (tmp_path / "exp" / name / "model.pth").touch()
    (tmp_path / "dump/test").mkdir(parents=True)
    for name in ("text_spk1", "wav.scp"):
        (tmp_path / "dump/test" / name).touch()

    def decodes(*words: str) -> bool:
        printed = bash(HEARING, *words)
        heard = "{}/recognisers/{}/{}/test".format(*words)
        assert (tmp_path / "exp" / heard / "text").exists()
        return "decodes" in printed

    assert decodes("a", "big", "noisy") and not decodes("b", "big", "noisy")
    assert decodes("b", "big", "clean") and not decodes("a", "big", "clean")
    for heard in ("noisy", "enhanced", "share_0.5"):  # each experiment has its own
        assert decodes("a", "own", heard) and decodes("b", "own", heard)
    assert decodes("a", "big", "enhanced") and decodes("b", "big", "enhanced")
    os.utime(tmp_path / "dump/test/text_spk1", (1, 1))  # the set was made anew
    assert decodes("b", "big", "noisy") and not decodes("a", "big", "noisy")
