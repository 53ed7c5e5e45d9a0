"""show_asr_result.py and show_summary.py: the right figures in the right cells."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from in_process import run_script

from espnet2.results import facts
from espnet2.results.sample import median_utterance

UTILS = Path("egs2/TEMPLATE/asr_with_enhancement/pyscripts/utils")
SIX_OF_EIGHT = {
    "hits": 6,
    "substitutions": 1,
    "deletions": 1,
    "insertions": 2,
    "sentences": 3,
    "sentences_with_errors": 2,
}


@pytest.fixture
def tool(repo_root, tmp_path):
    """Run one of the scripts in ``tmp_path``; return what came of it."""

    def run(name, *words):
        return run_script(repo_root / UTILS / name, *words, cwd=tmp_path)

    return run


def write_score(exp, kind="wer", tag="decode", test_set="test", counts=SIX_OF_EIGHT):
    folder = exp / tag / test_set / f"score_{kind}"
    folder.mkdir(parents=True)
    (folder / "score.json").write_text(json.dumps(counts))


def write_enh(folder, scores, **means):
    folder.mkdir(parents=True)
    lines = (f"{utterance} {value}\n" for utterance, value in scores.items())
    (folder / "SI_SNR_spk1").write_text("".join(lines))
    for metric, mean in means.items():
        (folder / f"result_{metric}.txt").write_text(f"{mean}\n")


def test_results_hold_the_figures_of_each_set_under_its_kind(tool, tmp_path):
    exp = tmp_path / "exp" / "enh asr"
    write_score(exp)
    write_score(exp, test_set="dev", counts={**SIX_OF_EIGHT, "insertions": 0})
    write_score(exp, kind="cer", counts={**SIX_OF_EIGHT, "hits": 18})
    done = tool("show_asr_result.py", "exp/enh asr")
    assert done.returncode == 0, done.stderr
    wer, cer = done.stdout.split("### WER")[1].split("### CER")
    assert "|dataset|Snt|Wrd|Corr|Sub|Del|Ins|Err|S.Err|\n|---|" in wer
    assert "|decode/test|3|8|75.0|12.5|12.5|25.0|50.0|66.7|\n" in wer
    assert wer.index("|decode/dev|3|8|75.0|12.5|12.5|0.0|25.0|66.7|") < wer.index(
        "|decode/test|"
    )
    assert "|decode/test|3|20|90.0|5.0|5.0|10.0|20.0|66.7|\n" in cer
    assert "### TER" not in done.stdout
    assert "## exp/enh asr\n" in done.stdout


def test_results_name_versions_commit_and_machine(tool, tmp_path):
    write_score(tmp_path / "exp")
    text = tool("show_asr_result.py", "exp").stdout
    assert text.startswith("# RESULTS\n## Environments\n- date: `")
    for line in ("python version: `3.", "espnet version: `espnet 2", "Git hash: `"):
        assert f"- {line}" in text
    assert "cores" in text


def test_a_folder_of_experiments_gives_a_section_each(tool, tmp_path):
    write_score(tmp_path / "exp" / "b")
    write_score(tmp_path / "exp" / "a")
    (tmp_path / "exp" / "lm_train").mkdir()
    text = tool("show_asr_result.py", "exp").stdout
    sections = [line for line in text.splitlines() if line.startswith("## exp")]
    assert sections == ["## exp/a", "## exp/b"]


@pytest.mark.parametrize(
    ("content", "config", "seed"),
    [
        ("config: conf/train_x.yaml\nseed: 0\n", "train_x.yaml", "0"),
        ("config: conf/a.yaml\nseed: 7\nbetas: !!python/tuple [1, 2]\n", "a.yaml", "7"),
        ("seed: 7\n", "unknown", "7"),
        ("seed: [\n", "unknown", "unknown"),
        ("- 1\n", "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_config_and_seed_are_read_or_said_to_be_unknown(
    tool, tmp_path, content, config, seed
):
    write_score(tmp_path / "exp")
    if content is not None:
        (tmp_path / "exp" / "config.yaml").write_text(content)
    done = tool("show_asr_result.py", "exp")
    assert done.returncode == 0, done.stderr
    assert f"- config: `{config}`\n- seed: `{seed}`\n" in done.stdout


def test_python_objects_in_a_config_are_not_made(tmp_path):
    call = f"!!python/object/apply:pathlib.Path.touch [{tmp_path}/made]"
    (tmp_path / "config.yaml").write_text(f"seed: 1\nx: {call}\n")
    assert facts.read_facts(tmp_path) == {
        "config": "unknown",
        "seed": "1",
        "gradient_method": "unknown",
    }
    assert not (tmp_path / "made").exists()


def test_a_changed_file_makes_the_commit_dirty(tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
    rows = tmp_path / "recipe/results.tsv"
    rows.parent.mkdir()
    for path in (rows, tmp_path / "file"):
        path.write_text("one")
    subprocess.run([*git, "init", "-q"], check=True)
    assert facts.git_commit(tmp_path) == "unknown"
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    subprocess.run([*git, "tag", "-m", "a tag", "v1"], check=True)
    clean = facts.git_commit(tmp_path)
    assert len(clean) == 7 and int(clean, 16) >= 0
    rows.write_text("two")  # by the run whose commit is asked for
    assert facts.git_commit(rows.parent) == clean
    (tmp_path / "file").write_text("two")
    assert facts.git_commit(rows.parent) == f"{clean}-dirty"


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"hits": 1}', json.dumps({**SIX_OF_EIGHT, "hits": None})],
)
def test_a_broken_score_file_is_named(tool, tmp_path, content):
    write_score(tmp_path / "exp")
    (tmp_path / "exp/decode/test/score_wer/score.json").write_text(content)
    done = tool("show_asr_result.py", "exp")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "score_wer/score.json" in done.stderr


def test_no_scores_at_all_is_an_error_that_names_the_stage(tool, tmp_path):
    (tmp_path / "exp").mkdir()
    for folder in ("exp", "absent"):
        done = tool("show_asr_result.py", folder)
        assert done.returncode == 1 and "run stage 14" in done.stderr


def write_whole_run(root):
    """Make what a finished run leaves behind; return its experiment folder."""
    exp = root / "exp" / "joint"
    for kind, hits in (("wer", 6), ("cer", 18)):
        write_score(exp, kind=kind, counts={**SIX_OF_EIGHT, "hits": hits})
    before = {"a": 1.0, "b": 1.0, "c": 1.0, "d": "inf"}
    after = {"a": 9.0, "b": 3.0, "c": 5.0, "d": 2.0}
    raw, enhanced = root / "dump" / "raw" / "test", exp / "enhanced_test"
    write_enh(raw / "scoring", before, si_snr=1.0, pesq_nb=1.5, stoi=60.0)
    write_enh(enhanced / "scoring", after, si_snr=5.67, pesq_nb=2.5, stoi=80.5)
    for scp, level, suffix in (
        (raw / "wav.scp", 0.1, "flac"),
        (enhanced / "spk1.scp", 0.2, "wav"),
        (raw / "spk1.scp", 0.3, "flac"),
    ):
        lines = []
        for number, name in enumerate("abcd"):
            audio = Path("audio") / f"{name}_{level}.{suffix}"
            (root / "audio").mkdir(exist_ok=True)
            soundfile.write(root / audio, np.full(800 + number, level), 8000)
            lines.append(f"{name} {audio}\n")
        scp.write_text("".join(lines))
    for name in ("valid.acc.ave.pth", "train.log", "RESULTS.md", "RESULTS_enh.md"):
        (exp / name).touch()
    (exp / "images").mkdir()
    return exp


def summary(tool, *extra, sets="test"):
    options = ["--exp", "exp/joint", "--dumpdir", "dump", "--test_sets", sets]
    return tool("show_summary.py", *options, *extra)


def cells_of(text, first):
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()]
    return next(row for row in rows if row and row[0] == first)


def test_summary_shows_both_sides_and_where_things_lie(tool, tmp_path):
    write_whole_run(tmp_path)
    done = summary(tool)
    assert done.returncode == 0, done.stderr
    assert cells_of(done.stdout, "test") == [
        "test",
        "3",
        "50.0",
        "20.0",
        "1.0 -> 5.67",
        "1.5 nb -> 2.5 nb",
        "60.0 -> 80.5",
    ]
    for name in ("valid.acc.ave.pth", "train.log", "images", "RESULTS.md"):
        assert f"exp/joint/{name}\n" in done.stdout
    assert "not there" not in done.stdout
    assert "\x1b" not in done.stdout  # no colours outside a terminal


def test_the_sample_is_the_utterance_of_median_gain_as_16_bit_wav(tool, tmp_path):
    exp = write_whole_run(tmp_path)
    done = summary(tool)
    assert "(c, SI-SNR +4.0 dB)" in done.stdout
    for name, level in (("noisy", 0.1), ("enhanced", 0.2), ("clean", 0.3)):
        info = soundfile.info(exp / "samples" / f"{name}.wav")
        assert (info.format, info.subtype) == ("WAV", "PCM_16")
        assert (info.frames, info.samplerate) == (802, 8000)
        audio, _ = soundfile.read(exp / "samples" / f"{name}.wav")
        assert np.allclose(audio, level, atol=2**-15)
    assert len(list((exp / "samples").iterdir())) == 3


def test_no_sample_is_copied_when_none_is_asked_for(tool, tmp_path):
    exp = write_whole_run(tmp_path)
    assert summary(tool, "--samples", "0").returncode == 0
    assert not (exp / "samples").exists()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 0.0}, {"a": -2.0}, ("a", -2.0)),
        ({"a": 0.0, "b": 0.0}, {"a": 5.0, "b": 1.0}, ("b", 1.0)),
        ({"a": 0.0, "b": 0.0, "c": 1.0}, {"c": 1.0, "b": 9.0, "x": 3.0}, ("c", 0.0)),
        ({"a": 0.0, "b": float("-inf")}, {"a": 3.0, "b": 1.0}, ("a", 3.0)),
    ],
)
def test_the_median_is_over_finite_gains_of_common_utterances(before, after, expected):
    assert median_utterance(before, after) == expected


def test_missing_parts_are_named_with_their_stage(tool, tmp_path):
    write_score(tmp_path / "exp" / "joint")
    done = summary(tool, sets="test other")
    assert done.returncode == 0, done.stderr
    assert cells_of(done.stdout, "test")[:4] == ["test", "3", "50.0", "-"]
    for line in (
        "WER of other: not there: run stage 14",
        "CER of decode/test: not there: run stage 14",
        "SI-SNR of test: not there: run stage 15 (a set without clean speech has none)",
    ):
        assert f"{line}\n" in done.stdout
    assert "model:       not there: run stage 11\n" in done.stdout
    assert "listen to:   not there: run stage 15\n" in done.stdout


def test_two_decodings_of_a_set_are_two_rows(tool, tmp_path):
    exp = write_whole_run(tmp_path)
    write_score(exp, tag="other_lm", counts={**SIX_OF_EIGHT, "insertions": 0})
    text = summary(tool).stdout
    rows = [
        line.split("|") for line in text.splitlines() if line.startswith("| test  ")
    ]
    assert [[cell.strip() for cell in row[2:5]] for row in rows] == [
        ["decode", "3", "50.0"],
        ["other_lm", "3", "25.0"],
    ]


def test_unreadable_audio_is_said_and_does_not_stop_the_summary(tool, tmp_path):
    write_whole_run(tmp_path)
    (tmp_path / "audio" / "c_0.2.wav").write_bytes(b"no audio")
    done = summary(tool)
    assert done.returncode == 0
    assert "listen to:   not copied: audio/c_0.2.wav" in done.stdout


def test_a_side_that_was_not_scored_is_named(tool, tmp_path):
    write_enh(tmp_path / "dump" / "raw" / "test" / "scoring", {"a": 1.0}, si_snr=1.0)
    done = summary(tool)
    assert cells_of(done.stdout, "test")[4] == "1.0 -> -"
    assert "SI-SNR of test: not there: run stage 15 (" in done.stdout


def test_pesq_is_not_missed_where_it_was_not_asked_for(tool, tmp_path):
    exp = write_whole_run(tmp_path)
    for folder in (exp / "enhanced_test", tmp_path / "dump" / "raw" / "test"):
        (folder / "scoring" / "result_pesq_nb.txt").unlink()
    done = summary(tool)
    assert cells_of(done.stdout, "test")[5] == "-"
    assert "not there" not in done.stdout


def test_a_score_that_is_no_number_is_said(tool, tmp_path):
    exp = write_whole_run(tmp_path)
    (exp / "enhanced_test" / "scoring" / "SI_SNR_spk1").write_text("a 1 2\n")
    done = summary(tool)
    assert done.returncode == 0
    assert "SI_SNR_spk1: 'a': expected one number" in done.stdout


def test_nothing_at_all_is_an_error(tool, tmp_path):
    done = summary(tool)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "exp/joint" in done.stderr
