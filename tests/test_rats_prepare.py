"""The preparation of RATS on a made-up tree in which the truth is known."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
import soundfile
from fake_rats import make_tree
from prepared_rats import RECIPE, Prepared

pytestmark = pytest.mark.slow

RATE = 8000


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, repo_root, repo_env) -> Prepared:
    folder = tmp_path_factory.mktemp("rats with a space")
    found = Prepared(folder, repo_root, repo_env, make_tree(folder))
    found.printed = found.prepare("--nj", 2) + found.sets()
    assert found.printed.count("0\n") and "Traceback" not in found.printed
    return found


def test_every_english_fisher_source_has_its_status(prepared):
    report = prepared.report()
    assert {k: row["status"] for k, row in report.items()} == prepared.truth.status
    assert "10004" not in report  # not Fisher
    for row in report.values():
        assert row["status"] == "ok" or row["detail"]


def test_sides_and_offsets_are_those_of_the_truth(prepared):
    for src_id, delta in prepared.truth.delta.items():
        row = prepared.report()[src_id]
        assert row["side"] == prepared.truth.side[src_id]
        assert float(row["delta"]) == pytest.approx(delta, abs=1e-3)
        assert float(row["mad_ms"]) <= 1


def test_a_transcript_on_another_time_scale_is_shifted_and_counted(prepared):
    row = prepared.report()["10011"]
    assert float(row["used_shift"]) == pytest.approx(-1.5, abs=0.021)
    assert "shifted against their speech: 1" in prepared.printed
    assert float(prepared.report()["10001"]["used_shift"]) == 0


def test_kept_utterances_and_their_words_are_those_of_the_truth(prepared):
    assert prepared.joined("text") == prepared.truth.texts
    assert prepared.joined("text_spk1") == prepared.truth.texts


def test_dropped_utterances_have_the_reasons_of_the_truth(prepared):
    lines = (prepared.work / "dropped.tsv").read_text().splitlines()[1:]
    assert dict(line.split("\t") for line in lines) == prepared.truth.dropped
    assert "fe_03_00001.txt:96: ends at 11.50" in prepared.printed


def test_speakers_are_pins_and_begin_the_ids(prepared):
    for utt_id, speaker in prepared.joined("utt2spk").items():
        assert utt_id.startswith(f"{speaker}-") and utt_id.endswith("-A")


def test_sets_follow_parts_and_share_no_speaker(prepared):
    tables = prepared.table("utt2spk")
    part = prepared.truth.part
    assert all(part[utt] != "train" for utt in tables["test"])
    assert all(part[u] == "train" for name in ("train", "valid") for u in tables[name])
    assert set(tables["train"].values()).isdisjoint(tables["valid"].values())
    assert (
        {"1781"}
        == {  # who speaks in two calls
            v[6:] for k, v in prepared.joined("utt2spk").items() if "-00003-B" in k
        }
    )


def test_both_cuts_have_the_same_length_and_no_lag(prepared):
    clean, noisy = prepared.joined("spk1.scp"), prepared.joined("wav.scp")
    for utt_id, path in clean.items():
        source, rate = soundfile.read(path)
        channel, other_rate = soundfile.read(noisy[utt_id])
        start, end = map(int, utt_id.split("-")[-3:-1])
        assert rate == other_rate == RATE
        assert len(source) == len(channel) == (end - start) * RATE // 100
        lag = np.argmax(np.correlate(channel, source, "full")) - len(source) + 1
        assert abs(lag) <= 1, utt_id


def test_the_clean_cut_is_where_the_transcript_says(prepared):
    """Speech fills the whole utterance, and there is silence before it."""
    for utt_id, path in prepared.joined("spk1.scp").items():
        if "-00007-" in utt_id:
            continue  # there the shift is known to 20 ms only
        power = soundfile.read(path)[0] ** 2
        edges = [power[:80].mean(), power[-80:].mean()]
        assert min(edges) > 0.1 * power.mean(), utt_id


def test_the_folders_are_valid_and_sorted_without_segments(prepared):
    validate = prepared.repo_root / RECIPE / "utils" / "validate_data_dir.sh"
    for name in ("train", "valid", "test"):
        subprocess.run([validate, prepared.data / name], env=prepared.env, check=True)
        names = {path.name for path in (prepared.data / name).iterdir()}
        assert names == set("wav.scp spk1.scp text text_spk1 utt2spk spk2utt".split())


def test_the_summary_counts_sets_sources_and_reasons(prepared):
    summary = (prepared.work / "summary.md").read_text()
    tables = prepared.table("text")
    for name, table in tables.items():
        words = sum(len(text.split()) for text in table.values())
        assert f"| {len(table)} | {words} |" in summary, name
    for status in prepared.truth.status.values():
        assert f"| {status} |" in summary
    for reason in prepared.truth.dropped.values():
        assert f"| {reason} |" in summary


def test_a_second_run_decodes_nothing_and_changes_nothing(prepared):
    markers = list(prepared.work.glob("sessions/*/session.json"))
    times = [path.stat().st_mtime_ns for path in markers]
    before = (prepared.work / "link_report.tsv").read_text()
    assert prepared.prepare().startswith("0\n")
    assert [path.stat().st_mtime_ns for path in markers] == times
    assert (prepared.work / "link_report.tsv").read_text() == before


def test_a_run_that_was_stopped_does_what_is_left(prepared, tmp_path):
    copy = Prepared(tmp_path, prepared.repo_root, prepared.env, prepared.truth)
    shutil.copytree(prepared.work, copy.work)
    kept = copy.work / "sessions" / "10003" / "session.json"
    shutil.rmtree(copy.work / "sessions" / "10001")
    (copy.work / "sessions" / ".10001.tmp" / "clean").mkdir(parents=True)
    (copy.work / "sessions" / "10002" / "session.json").write_text('{"key": [')
    time = kept.stat().st_mtime_ns
    assert copy.prepare().startswith("0\n")
    assert kept.stat().st_mtime_ns == time
    assert not list(copy.work.glob("sessions/.*"))
    for src_id in ("10001", "10002"):
        name = f"sessions/{src_id}/session.json"
        assert json.loads((copy.work / name).read_text()) == json.loads(
            (prepared.work / name).read_text()
        )


def test_other_thresholds_make_the_sessions_anew(prepared, tmp_path):
    copy = Prepared(tmp_path, prepared.repo_root, prepared.env, prepared.truth)
    shutil.copytree(prepared.work, copy.work)
    assert copy.prepare("--refine", "false", "--max_duration", 1.2).startswith("0\n")
    report = copy.report()
    assert float(report["10009"]["delta"]) == pytest.approx(0.25)  # as the tables say
    assert int(report["10001"]["utterances"]) < int(
        prepared.report()["10001"]["utterances"]
    )


def test_lists_of_ids_replace_the_split(prepared, tmp_path):
    copy = Prepared(tmp_path, prepared.repo_root, prepared.env, prepared.truth)
    copy.work = prepared.work
    ids = sorted(prepared.truth.texts)
    lists = {"train": [*ids[:5], "absent"], "valid": ids[5:7], "test": ids[7:9]}
    words = []
    for name, chosen in lists.items():
        (tmp_path / name).write_text("\n".join(chosen))
        words += [f"--{name}_list", tmp_path / name]
    assert "give all of" in copy.sets(*words[:2])
    printed = copy.sets(*words)
    assert "list of train that are not there: 1, such as absent" in printed
    assert {k: list(v) for k, v in copy.table("text").items()} == {
        "train": ids[:5],
        "valid": ids[5:7],
        "test": ids[7:9],
    }


def test_tables_without_headers_give_the_same(prepared, tmp_path):
    truth = make_tree(tmp_path, headers=False)
    copy = Prepared(tmp_path, prepared.repo_root, prepared.env, truth)
    assert copy.prepare("--nj", 2).startswith("0\n")
    reports = copy.report(), prepared.report()
    for row in (row for report in reports for row in report.values()):
        del row["detail"]  # has the path
    assert reports[0] == reports[1]


def test_the_recipe_reads_its_paths_from_db_sh(prepared, tmp_path, repo_env):
    recipe = tmp_path / "my recipe"
    recipe.mkdir()
    for path in (prepared.repo_root / RECIPE).iterdir():
        if path.name not in ("data", "dump", "exp", "db.sh"):
            (recipe / path.name).symlink_to(path.resolve())
    env = {**repo_env, "ESPNET_PYTHON_ENV": "none"}
    command = ["local/data.sh", "--nj", "2"]
    (recipe / "db.sh").write_text("RATS=\nFISHER=\n")
    failed = subprocess.run(
        command, cwd=recipe, env=env, capture_output=True, text=True
    )
    assert failed.returncode == 1 and "db.sh" in failed.stderr
    parts = [prepared.truth.fisher / f"fe_03_p{n}_tran" for n in (1, 2)]
    (recipe / "db.sh").write_text(
        f"RATS='{prepared.truth.rats}'\nFISHER='{parts[0]}:{parts[1]}'\n"
    )
    words = ["--prepare_opts", "--min_iou 0.6 --refine true", "--events", "map"]
    done = subprocess.run(
        [*command, *words], cwd=recipe, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    texts = dict(
        line.split(maxsplit=1)
        for name in ("train", "valid", "test")
        for line in (recipe / f"data/{name}/text").read_text().splitlines()
    )
    assert texts.keys() == prepared.truth.texts.keys()
    assert "[laughter] delta echo" in texts.values()
    assert (recipe / "data/local/rats_chA/summary.md").is_file()


def test_no_rights_to_write_is_one_clear_line(prepared, tmp_path):
    if os.geteuid() == 0:
        (tmp_path / "work").write_text("a file where the folder should be")
    copy = Prepared(tmp_path, prepared.repo_root, prepared.env, prepared.truth)
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
    printed = copy.prepare()
    tmp_path.chmod(0o700)
    assert printed.startswith("1\n") and "error: " in printed
    assert "Traceback" not in printed
