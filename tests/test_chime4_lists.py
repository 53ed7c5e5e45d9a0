"""Annotations, transcripts and lists of CHiME-4: what is read, what is refused."""

import json

import pytest

LOCAL = "egs2/chime4/asr_with_enhancement/local"
REAL = {
    **{"speaker": "F01", "wsj_name": "22GC010A", "environment": "BUS"},
    **{"wavfile": "F01_150204_010_BUS", "start": 1.0, "end": 2.5},
}


@pytest.fixture
def lists(import_script):
    return import_script(f"{LOCAL}/chime4_lists.py")


@pytest.fixture
def write(tmp_path):
    def write(content: bytes | str | list):
        path = tmp_path / "list"
        if isinstance(content, list):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_windows_line_ends_blank_lines_and_comments_do_no_harm(lists, write):
    path = write(
        b"\xef\xbb\xbf; made\r\n\r\nTwo words (F01_X_BUS)\r\n# x\r\n (F01_Y_BUS)"
    )
    assert lists.read_dots(path) == {"F01_X_BUS": "Two words", "F01_Y_BUS": ""}


def test_brackets_within_a_text_are_text(lists, write):
    path = write(r"\(LEFT-PAREN he said (F01_X_BUS)")
    assert lists.read_dots(path) == {"F01_X_BUS": r"\(LEFT-PAREN he said"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no name here\n", "list:1: want '<text> [(]<utterance>[)]'"),
        (b"a (X)\nb (X)\n", "list:2: X has another text above"),
        (b"a (X)\n\x00\x01\n", "list:2: holds the character"),
        (b"\xff\xfe a (X)", "not UTF-8"),
    ],
)
def test_a_broken_transcript_is_named_with_its_line(lists, write, content, message):
    with pytest.raises(lists.DataError, match=message):
        lists.read_dots(write(content))


def test_the_track_list_gives_the_channel(lists, write):
    path = write("dt05_bus_simu/F01_X_BUS.CH4.wav\r\n\nF02_Y_STR.CH1.wav\n")
    assert lists.read_track_list(path) == {"F01_X_BUS": 4, "F02_Y_STR": 1}


@pytest.mark.parametrize(
    "line", ["F01_X_BUS.wav", "a/F01_X_BUS.CH7.wav", "F01_X_BUS.CH4.wav b"]
)
def test_a_track_without_a_channel_is_refused(lists, write, line):
    with pytest.raises(lists.DataError, match="list:1: want"):
        lists.read_track_list(write(line))


def test_simulated_times_are_those_of_the_noise_rounded_as_matlab_does(lists, write):
    entry = {**REAL, "noise_wavfile": "BGD_1", "noise_start": 0.5 / 16000}
    entry |= {"noise_end": 2.5 / 16000, "prompt": "x"}
    found, unknown = lists.read_annotations(write([entry]), simulated=True)
    assert found[0].name == "F01_22GC010A_BUS"
    assert found[0].recording == "BGD_1"
    assert found[0].samples == (1, 3)  # halves go up, where Python's round gives 0, 2
    assert unknown == {"prompt"}
    found, _ = lists.read_annotations(write([entry]), simulated=False)
    assert found[0].samples == (16000, 40000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speaker": None}, "utterance 1: speaker: want text, not None"),
        ({"environment": "TRAM"}, "environment 'TRAM': want BUS CAF PED STR"),
        ({"start": "1.0"}, "start: want seconds, not '1.0'"),
        ({"end": float("nan")}, "end: want seconds, not nan"),
        ({"end": 0.5}, "ends at 0.5 s but starts at 1 s"),
        ({"wsj_name": "../x"}, "'../x' is no name"),
    ],
)
def test_a_wrong_field_is_named(lists, write, change, message):
    with pytest.raises(lists.DataError, match=message):
        lists.read_annotations(write([{**REAL, **change}]), simulated=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"speaker":\n', "list:2: not JSON"),
        ("{}", "want a list of utterances"),
        ("[]", "want a list of utterances"),
        ("[1]", "utterance 1: want an object"),
        ([REAL, REAL], "F01_22GC010A_BUS stands twice"),
    ],
)
def test_a_broken_annotation_file_is_refused(lists, write, content, message):
    with pytest.raises(lists.DataError, match=message):
        lists.read_annotations(write(content), simulated=False)
