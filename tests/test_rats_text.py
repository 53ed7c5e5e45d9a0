"""Fisher's texts and transcripts, and the split into sets."""

import sys

import pytest

LOCAL = "egs2/rats_chA/asr_with_enhancement/local"


@pytest.fixture
def load(import_script):
    return lambda name: import_script(f"{LOCAL}/{name}.py")


@pytest.mark.parametrize(
    ("raw", "options", "expected"),
    [
        ("hello there", {}, ("hello there", "")),
        ("it's  C._N._N. time", {}, ("it's c n n time", "")),
        ("t._v.'s on", {}, ("t v's on", "")),
        ("c._n._n. time", {"acronyms": "keep"}, ("c._n._n. time", "")),
        ("an- apple", {}, ("an apple", "")),
        ("an- apple", {"partial": "drop"}, ("apple", "")),
        ("well-known -", {}, ("well-known", "")),
        ("yes (( no ))", {}, ("", "uncertain")),
        ("yes (( no ))", {"uncertain": "keep"}, ("yes no", "")),
        ("(( ))", {"uncertain": "keep"}, ("", "no_words")),
        ("[laugh] yes [mn]", {}, ("yes", "")),
        ("[laugh] yes [mn]", {"events": "map"}, ("[laughter] yes [noise]", "")),
        ("[strange] yes", {"events": "map"}, ("", "markup")),
        ("[noise]", {"events": "map"}, ("", "no_words")),
        ("yes [no", {}, ("", "markup")),
        ("", {}, ("", "no_words")),
    ],
)
def test_text_normalisation(load, raw, options, expected):
    module = load("fisher_text")
    assert module.normalise(raw, module.TextRules(**options)) == expected


def test_characters_that_are_not_expected_are_named(load):
    odd = load("fisher_text").odd_characters
    assert odd("it's c._n._n. well-known [noise]") == ""
    assert odd("caf\u00e9 24") == "24\u00e9"


def test_time_stamps_are_exact_unless_kaldi_is_followed(load):
    """0.29 * 100 is 28.999... in binary, which Kaldi's recipe truncates."""
    module = load("fisher_calls")
    assert module.centiseconds("0.29", kaldi_truncate=False) == 29
    assert module.centiseconds("0.29", kaldi_truncate=True) == 28
    assert module.centiseconds("64.11", False) == 6411


def test_a_transcript_keeps_its_good_lines_and_names_the_bad_ones(load, tmp_path):
    path = tmp_path / "fe_03_00001.txt"
    path.write_bytes(
        b"# fe_03_00001.sph\r\n# any words\r\n\r\n3.00 4.00 B: late\r\n"
        b"0.50 1.25 A: early words \r\n\r\n5.00 5.00 A: none\r\nwhat\r\n6.0 7.0 A: cut"
    )
    module = load("fisher_calls")
    found, problems = module.read_transcript(path, False)
    assert found == [(50, 125, "A", "early words"), (300, 400, "B", "late")]
    assert len(problems) == 3
    for number in (7, 8, 9):
        assert any(f"{path}:{number}: " in problem for problem in problems)


@pytest.mark.parametrize("content", [b"", b"# fe_03_00002.sph\n1 2 A: x\n", b"\xff\n"])
def test_a_transcript_of_another_call_or_damaged_is_refused(load, tmp_path, content):
    path = tmp_path / "fe_03_00001.txt"
    path.write_bytes(content)
    module = load("fisher_calls")
    with pytest.raises(sys.modules["text_files"].SkipError) as error:
        module.read_transcript(path, False)
    assert error.value.status == "bad_transcript" and str(path) in error.value.detail


def test_the_split_keeps_speakers_together_and_does_not_depend_on_order(load):
    module = load("split_sets")
    entries = [
        module.Entry(f"{pin}-{n}", str(pin), "x", 1.0, "train", None)
        for pin in range(40)
        for n in range(5)
    ]
    test = module.Entry("t", "7", "x", 1.0, "dev-2", None)
    sets = module.split_by_speaker([*entries, test], 0.1)
    assert sets["test"] == [test]
    assert {e.pin for e in sets["train"]}.isdisjoint(e.pin for e in sets["valid"])
    assert len(sets["valid"]) == 20 and len(sets["train"]) == 180
    again = module.split_by_speaker([test, *reversed(entries)], 0.1)
    assert sorted(again["valid"]) == sorted(sets["valid"])
    with pytest.raises(module.DataError, match="1 speakers"):
        module.split_by_speaker(entries[:5], 0.1)


def test_lists_of_ids_decide_and_what_is_missing_is_told(load):
    module = load("split_sets")
    entries = [module.Entry(name, "1", "x", 1.0, "train", None) for name in "abcd"]
    lists = {"train": ["a", "q"], "valid": ["b"], "test": ["c"]}
    sets, missing = module.split_by_lists(entries, lists)
    assert [[e.utt_id for e in sets[name]] for name in sets] == [["a"], ["b"], ["c"]]
    assert missing == {"train": ["q"], "valid": [], "test": []}
    with pytest.raises(module.DataError, match="a is in the lists of train and test"):
        module.split_by_lists(entries, {**lists, "test": ["a"]})
