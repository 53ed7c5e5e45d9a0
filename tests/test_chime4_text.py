"""WSJ text: normalisation, finding transcripts, the language model's text."""

import gzip

import pytest

from espnet2.data_dir.folders import walk_files

LOCAL = "egs2/chime4/asr_with_enhancement/local"


@pytest.fixture
def wsj(import_script):
    return import_script(f"{LOCAL}/wsj_text.py")


@pytest.fixture
def lm(import_script):
    return import_script(f"{LOCAL}/prepare_lm_text.py")


@pytest.mark.parametrize(
    ("dot", "text"),
    [
        ("Mr. Vinken is fifty-five", "MR. VINKEN IS FIFTY-FIVE"),
        (r"He said\, \"QUOTE no .", 'HE SAID, "QUOTE NO'),
        ("[<door_slam] a [door_slam>] b [phone/] c [/phone] ~", "A B C"),
        ("a [loud_breath] b", "A <NOISE> B"),
        ("<and> they", "AND THEY"),
        ("two %PERCENT .POINT five --DASH x", "TWO PERCENT POINT FIVE -DASH X"),
        ("  a \t b ", "A B"),
        ("~ . [<x]", ""),
    ],
)
def test_marks_are_dropped_renamed_or_become_noise(wsj, dot, text):
    assert wsj.normalize(dot) == text


def test_a_transcript_is_found_in_either_case_and_only_if_wanted(wsj, tmp_path):
    (tmp_path / "A/B").mkdir(parents=True)
    (tmp_path / "A/B/01AC0200.DOT").write_text("one (01AC0201)\ntwo (01ac0202)\n")
    (tmp_path / "A/401c0200.dot").write_text("not read, so not refused")
    files = list(walk_files([tmp_path]))
    found = wsj.read_wsj_dots(files, ["01AC0201"])
    assert found == {"01ac0201": "one", "01ac0202": "two"}


def test_copies_that_disagree_are_refused(wsj, tmp_path):
    for disc, text in (("1", "one"), ("2", "one"), ("3", "other")):
        (tmp_path / disc).mkdir()
        (tmp_path / disc / "01ac0200.dot").write_text(f"{text} (01ac0201)")
    files = list(walk_files([tmp_path]))
    assert wsj.read_wsj_dots(files[:2], ["01ac0201"]) == {"01ac0201": "one"}
    with pytest.raises(wsj.DataError, match="differs from that in"):
        wsj.read_wsj_dots(files, ["01ac0201"])


def test_words_with_odd_signs_are_counted(wsj):
    texts = ["IT'S FIFTY-FIVE MR. ,COMMA", ",COMMA <NOISE> U. S."]
    assert wsj.strange_tokens(texts) == {",COMMA": 2, "<NOISE>": 1}


@pytest.fixture
def disc(tmp_path):
    folder = tmp_path / "wsj/lng_modl/lm_train/np_data/87"
    folder.mkdir(parents=True)
    text = "<art>\n<s.1>\nbanks  fell\n</s>\n\nagain\n"
    (folder / "w7_001.z").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "text").write_text("u1 THE SAME\nu2 THE SAME\n")
    return tmp_path


def run(lm, disc):
    lm.main(
        [
            *("--transcripts", str(disc / "text"), "--roots", str(disc / "wsj")),
            *("--", str(disc / "out")),
        ]
    )
    return (disc / "out").read_text()


def test_the_lm_text_is_transcripts_and_sentences_without_marks(lm, disc):
    assert run(lm, disc) == (
        "u1 THE SAME\nu2 THE SAME\nwsj_lng_0000001 BANKS FELL\nwsj_lng_0000002 AGAIN\n"
    )


def test_without_newspaper_text_the_transcripts_are_taken_and_that_is_said(
    lm, disc, capsys
):
    (disc / "wsj/lng_modl/lm_train/np_data/87/w7_001.z").unlink()
    assert run(lm, disc) == "u1 THE SAME\nu2 THE SAME\n"
    assert "the LM is trained on the transcripts alone" in capsys.readouterr().err


def test_a_broken_package_is_named_and_leaves_no_half_text(lm, disc):
    (disc / "wsj/lng_modl/lm_train/np_data/87/w7_001.z").write_bytes(b"broken")
    with pytest.raises(lm.DataError, match="w7_001.z"):
        run(lm, disc)
    assert not (disc / "out").exists()
