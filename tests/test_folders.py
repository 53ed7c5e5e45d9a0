"""Folders made whole, and data folders from records of utterances."""

from pathlib import Path

import pytest

from espnet2.data_dir.folders import (
    Entry,
    check_replaceable,
    read_marker,
    walk_files,
    whole_folder,
    write_data_dir,
)
from espnet2.data_dir.tables import DataError


def entry(key: str, speaker: str) -> Entry:
    return Entry(key, speaker, f"text of {key}", f"/n/{key}.wav", f"/c/{key}.wav")


def test_a_folder_appears_only_when_it_is_filled(tmp_path):
    target = tmp_path / "a" / "b c"
    with whole_folder(target) as new:
        assert not target.exists() and new.parent == target.parent
        (new / "x").write_text("1")
    assert (target / "x").read_text() == "1"
    assert [path.name for path in target.parent.iterdir()] == ["b c"]


def test_the_old_folder_stays_if_filling_the_new_one_fails(tmp_path):
    target = tmp_path / "d"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(ZeroDivisionError), whole_folder(target) as new:
        (new / "half").touch()
        raise ZeroDivisionError
    assert [path.name for path in target.iterdir()] == ["old"]
    with whole_folder(target) as new:  # what was half made is not taken over
        assert not list(new.iterdir())
    assert not list(target.iterdir())


def test_a_data_folder_is_sorted_and_has_what_was_asked_for(tmp_path):
    folder = tmp_path / "train"
    entries = [entry("b-1", "b"), entry("a-2", "a"), entry("a-1", "a")]
    write_data_dir(folder, entries, utt2cnr={"b-1": 3.5, "a-1": 1, "a-2": 2})
    read = {path.name: path.read_text() for path in folder.iterdir()}
    assert read["utt2spk"] == "a-1 a\na-2 a\nb-1 b\n"
    assert read["spk2utt"] == "a a-1 a-2\nb b-1\n"
    assert read["text"] == read["text_spk1"]
    assert read["wav.scp"].splitlines()[2] == "b-1 /n/b-1.wav"
    assert read["spk1.scp"].splitlines()[0] == "a-1 /c/a-1.wav"
    assert read["utt2cnr"] == "a-1 1\na-2 2\nb-1 3.5\n"


def test_a_data_folder_without_or_with_twice_an_utterance_is_refused(tmp_path):
    with pytest.raises(DataError, match="no utterance remains"):
        write_data_dir(tmp_path / "d", [])
    with pytest.raises(DataError, match="an utterance stands twice"):
        write_data_dir(tmp_path / "d", [entry("a", "a"), entry("a", "a")])
    assert not (tmp_path / "d").exists()


def test_only_what_was_made_here_is_replaced(tmp_path):
    folder = tmp_path / "d"
    check_replaceable(folder, "wav.scp")
    folder.mkdir()
    check_replaceable(folder, "wav.scp")  # empty
    write_data_dir(folder, [entry("a", "a")])
    write_data_dir(folder, [entry("b", "b")])
    assert (folder / "utt2spk").read_text() == "b b\n"
    with pytest.raises(DataError, match="was not made here"):
        write_data_dir(folder, [entry("c", "c")], own_file="utt2category")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="was not made here"):
        check_replaceable(tmp_path / "file", "wav.scp")


@pytest.mark.parametrize(("text", "found"), [('{"a": 1}', {"a": 1}), ('{"a"', None)])
def test_a_marker_that_is_whole_is_read(tmp_path, text, found):
    assert read_marker(tmp_path / "marker") is None
    (tmp_path / "marker").write_text(text)
    assert read_marker(tmp_path / "marker") == found
    assert read_marker(tmp_path / "marker" / "below") is None


def test_files_are_found_in_order_through_links_and_not_where_left_out(tmp_path):
    for name in ("b/2", "b/1", "a/3", "a/skip/4"):
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).touch()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "x")

    def names(**options: str) -> list[str]:
        link = tmp_path / "root" / "link"
        found = walk_files([tmp_path / "root", Path(tmp_path / "none")], **options)
        return [str(path.relative_to(link)) for path in found]

    assert names() == ["a/3", "a/skip/4", "b/1", "b/2"]
    assert names(leave_out="skip") == ["a/3", "b/1", "b/2"]
