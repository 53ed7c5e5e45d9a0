"""Tables of data folders: reading, checking, repairing, copying, joining."""

import importlib
import subprocess
from pathlib import Path

import pytest

UTILS = "egs2/TEMPLATE/asr_with_enhancement/utils"


@pytest.fixture
def data():
    return importlib.import_module("espnet2.data_dir.tables")


@pytest.fixture
def layout():
    return importlib.import_module("espnet2.data_dir.layout")


@pytest.fixture
def edit():
    return importlib.import_module("espnet2.data_dir.edit")


@pytest.fixture
def checks():
    return importlib.import_module("espnet2.data_dir.validate")


@pytest.fixture
def run_util(repo_root, repo_env):
    """Run a script of utils/ and return the finished process."""

    def run(name: str, *words: object, stdin: str = "") -> subprocess.CompletedProcess:
        command = [str(repo_root / UTILS / name), *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, env=repo_env, input=stdin
        )

    return run


def make_folder(folder: Path, utterances=("a-1", "a-2", "b-1"), **other: str) -> Path:
    """A valid data folder; ``other`` replaces whole files, None removes one."""
    folder.mkdir(parents=True)
    wavs = {key: folder / f"{key}.wav" for key in utterances}
    for path in wavs.values():
        path.write_bytes(b"RIFF")
    speakers: dict[str, list[str]] = {}
    for key in utterances:
        speakers.setdefault(key[0], []).append(key)
    files = {
        "wav.scp": "".join(f"{k} {path}\n" for k, path in wavs.items()),
        "spk1.scp": "".join(f"{k} {path}\n" for k, path in wavs.items()),
        "text": "".join(f"{k} some words\n" for k in utterances),
        "text_spk1": "".join(f"{k} some words\n" for k in utterances),
        "utt2spk": "".join(f"{k} {k[0]}\n" for k in utterances),
        "spk2utt": "".join(f"{s} {' '.join(u)}\n" for s, u in speakers.items()),
    }
    for name, text in {**files, **other}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_table_keeps_values_with_spaces(data, tmp_path):
    (tmp_path / "wav.scp").write_text("a  /my corpus/a.wav \nb\tcat x |\n")
    assert data.read_table(tmp_path / "wav.scp") == {
        "a": "/my corpus/a.wav",
        "b": "cat x |",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a x\na y\n", "text:2: id a stands in line 1"),
        (b"b x\na y\n", r"text:2: a after b is not sorted; run utils/fix_data_dir.sh"),
        (b"a x\n\nb y\n", "text:2: the line has no id"),
        (b"a x\nb \xff\n", "text:2: not UTF-8"),
        (b"a x\nb y\x00z\n", r"text:2: holds the character '\\x00'"),
        (b"a x\r\n", "Windows line end"),
    ],
)
def test_a_bad_line_is_named_with_its_file(data, tmp_path, content, message):
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(data.DataError, match=message):
        data.read_table(tmp_path / "text")


def test_tables_sort_as_bytes_do(data, tmp_path):
    keys = ["é", "a", "B", "a-1", "a1", "中", "Z_1", "ab"]
    data.write_table(tmp_path / "t", dict.fromkeys(keys, "v"))
    written = [line.split()[0] for line in (tmp_path / "t").read_text().splitlines()]
    assert written == sorted(keys, key=str.encode)


def test_a_failed_write_leaves_the_old_file(data, tmp_path):
    path = tmp_path / "t"
    path.write_text("old\n")

    def lines():
        yield "new"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        data.write_lines(path, lines())
    assert path.read_text() == "old\n"


def test_speaker_tables_turn_round_and_back(layout):
    utt2spk = {"a-1": "a", "a-2": "a", "b-1": "b"}
    spk2utt = layout.utt2spk_to_spk2utt(utt2spk)
    assert spk2utt == {"a": "a-1 a-2", "b": "b-1"}
    assert layout.spk2utt_to_utt2spk(spk2utt) == utt2spk


def test_an_utterance_of_two_speakers_is_an_error(layout):
    with pytest.raises(layout.DataError, match="u1 belongs to the speakers a and b"):
        layout.spk2utt_to_utt2spk({"a": "u1", "b": "u1"})


def test_a_good_folder_is_valid(checks, tmp_path):
    checks.validate(make_folder(tmp_path / "d"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text", "a-1 x\na-2 x\n", "b-1 stands in .*utt2spk but not in .*text"),
        ("spk1.scp", "a-1 x\na-2 x\nb-1 x\nb-2 x\n", "b-2 stands in .*spk1.scp but"),
        ("spk2utt", "a a-1 a-2\n", "spk2utt does not agree"),
        ("utt2spk", "a-1 b\na-2 a\nb-1 b\n", "not by speaker"),
        ("wav.scp", "a-1 /none.wav\na-2 x |\nb-1 y |\n", "a-1: no file /none.wav"),
        ("segments", "a-1 r 2 1\na-2 r 0 1\nb-1 r 0 1\n", "want 0 <= start < end"),
        ("utt2category", "a-1 SIMU\n", "a-2 stands in .*but not in .*utt2category"),
    ],
)
def test_a_bad_folder_is_refused_with_the_reason(
    checks, tmp_path, name, content, message
):
    folder = make_folder(tmp_path / "d", **{name: content})
    with pytest.raises(checks.DataError, match=message):
        checks.validate(folder)


def test_all_problems_are_told_at_once(checks, tmp_path):
    other = {"text": "a-1 x\na-1 y\n", "spk1.scp": "b x\na y\n"}
    folder = make_folder(tmp_path / "d", **other)
    with pytest.raises(checks.DataError) as error:
        checks.validate(folder)
    assert "text:2" in str(error.value) and "spk1.scp:2" in str(error.value)


def test_an_empty_text_is_a_warning(run_util, tmp_path):
    folder = make_folder(tmp_path / "d", text="a-1 x\na-2\nb-1 x\n")
    done = run_util("validate_data_dir.sh", folder)
    assert done.returncode == 0
    assert "utterance a-2 has an empty text" in done.stderr


def test_validate_says_bad_input_in_words_not_a_traceback(run_util, tmp_path):
    done = run_util("validate_data_dir.sh", tmp_path / "none")
    assert done.returncode == 1
    assert "is not a folder" in done.stderr and "Traceback" not in done.stderr


def test_fix_keeps_the_intersection_sorted_and_a_backup(run_util, checks, tmp_path):
    text = "b-1 x\na-1 x\nc-1 x\n"
    folder = make_folder(tmp_path / "my d", text=text, notes="b-1 n\na-1 n\n")
    done = run_util("fix_data_dir.sh", "--utt_extra_files", "notes", folder)
    assert done.returncode == 0, done.stderr
    assert "kept 2 of 3" in done.stderr
    assert (folder / "text").read_text() == "a-1 x\nb-1 x\n"
    assert (folder / "notes").read_text() == "a-1 n\nb-1 n\n"
    assert (folder / "spk2utt").read_text() == "a a-1\nb b-1\n"
    assert (folder / ".backup" / "text").read_text() == text
    checks.validate(folder)


def test_fix_drops_utterances_of_missing_recordings(edit, checks, tmp_path):
    segments = "a-1 r1 0 1\na-2 r2 0 1\nb-1 r1 1 2\n"
    scp = "r1 x |\nr3 x |\n"
    folder = make_folder(
        tmp_path / "d", segments=segments, **{"wav.scp": scp, "spk1.scp": scp}
    )
    edit.fix(folder)
    assert (folder / "utt2spk").read_text() == "a-1 a\nb-1 b\n"
    assert (folder / "wav.scp").read_text() == "r1 x |\n"
    checks.validate(folder)


def test_fix_refuses_to_leave_nothing(edit, tmp_path):
    folder = make_folder(tmp_path / "d", text="z x\n")
    with pytest.raises(edit.DataError, match="no utterance stands in all of"):
        edit.fix(folder)
    assert (folder / "text").read_text() == "z x\n"


def test_copy_puts_affixes_on_ids_and_speakers(run_util, checks, tmp_path):
    source = make_folder(tmp_path / "d")
    options = ["--utt-prefix", "x-", "--spk_prefix", "x-", "--utt-suffix", "_S"]
    done = run_util("copy_data_dir.sh", *options, source, tmp_path / "e")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "e/utt2spk").read_text().startswith("x-a-1_S x-a\n")
    assert (tmp_path / "e/spk2utt").read_text() == "x-a x-a-1_S x-a-2_S\nx-b x-b-1_S\n"
    checks.validate(tmp_path / "e")


def test_combine_joins_and_says_what_it_leaves_out(run_util, checks, tmp_path):
    one = make_folder(tmp_path / "one", ("a-1", "c-1"), utt2lang="a-1 en\nc-1 en\n")
    two = make_folder(tmp_path / "two", ("a-2", "b-1"))
    done = run_util("combine_data.sh", tmp_path / "all", one, two)
    assert done.returncode == 0, done.stderr
    assert "utt2lang is left out" in done.stderr
    assert not (tmp_path / "all/utt2lang").exists()
    assert (tmp_path / "all/spk2utt").read_text() == "a a-1 a-2\nb b-1\nc c-1\n"
    checks.validate(tmp_path / "all")


def test_combine_refuses_an_utterance_that_stands_in_two_folders(edit, tmp_path):
    one, two = make_folder(tmp_path / "one"), make_folder(tmp_path / "two")
    with pytest.raises(edit.DataError, match="a-1 stands in .*one.* and in .*two"):
        edit.combine(tmp_path / "all", [one, two])


def test_combine_demands_the_extra_files(edit, tmp_path):
    one = make_folder(tmp_path / "one", ("a-1",), utt2category="a-1 SIMU\n")
    two = make_folder(tmp_path / "two", ("b-1",))
    with pytest.raises(edit.DataError, match="two/utt2category is missing"):
        edit.combine(tmp_path / "all", [one, two], ["utt2category"])


def test_split_gives_contiguous_parts_that_differ_by_one_at_most(run_util, tmp_path):
    lines = [f"u{n:02d} v\n" for n in range(11)]
    (tmp_path / "in").write_text("".join(lines))
    parts = [tmp_path / f"out {n}" for n in range(4)]
    assert run_util("split_scp.pl", tmp_path / "in", *parts).returncode == 0
    read = [part.read_text().splitlines(keepends=True) for part in parts]
    assert sum(read, []) == lines
    assert sorted(map(len, read)) == [2, 3, 3, 3]


def test_split_refuses_more_parts_than_lines(run_util, tmp_path):
    (tmp_path / "in").write_text("a x\n")
    done = run_util("split_scp.pl", tmp_path / "in", tmp_path / "1", tmp_path / "2")
    assert done.returncode == 1
    assert "cannot cut 1 lines into 2 parts" in done.stderr
    assert not (tmp_path / "1").exists()


def test_filter_keeps_listed_ids_in_the_order_of_the_table(run_util, tmp_path):
    (tmp_path / "ids").write_text("c 1\na 2\n")
    table = "a x y\nb z\nc w\n"
    assert run_util("filter_scp.pl", tmp_path / "ids", stdin=table).stdout == (
        "a x y\nc w\n"
    )
    words = ["--exclude", tmp_path / "ids"]
    assert run_util("filter_scp.pl", *words, stdin=table).stdout == "b z\n"
    words = ["-f", "2", tmp_path / "ids"]
    assert run_util("filter_scp.pl", *words, stdin="1 c\n2 d\n").stdout == "1 c\n"


def test_the_speaker_scripts_are_each_others_inverse(run_util):
    utt2spk = "a-1 a\na-2 a\nb-1 b\n"
    spk2utt = run_util("utt2spk_to_spk2utt.pl", stdin=utt2spk).stdout
    assert spk2utt == "a a-1 a-2\nb b-1\n"
    assert run_util("spk2utt_to_utt2spk.pl", stdin=spk2utt).stdout == utt2spk
