"""PocketSphinx: the words of a grammar, what is missing, and one real recognition."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2.bin import pocketsphinx_inference
from espnet2.data_dir.tables import DataError
from espnet2.transcription.sphinx import Sphinx, grammar_words, pronunciations

RECIPE = Path("egs2/mini_radio/asr_with_enhancement")
GRAMMAR = """#JSGF V1.0 UTF-8 en;
grammar numbers; // a comment with WORDS
/* and MORE
   of them */
public <numbers> = [AH] (<digit> {tag})+ | /0.5/ NONE;
<digit> = ZERO|ONE;
"""
LEXICON = "ah AA\none W AH N\none(2) HH W AH N\nnone N AH N\nten T EH N\n"


@pytest.fixture
def grammar(tmp_path) -> Path:
    path = tmp_path / "grammar.jsgf"
    path.write_text(GRAMMAR)
    path.with_suffix(".dict").write_text("ZERO Z IH R OW\n")
    return path


def test_the_words_of_a_grammar_are_no_rules_tags_weights_or_comments(grammar):
    assert grammar_words(grammar) == {"AH", "NONE", "ZERO", "ONE"}
    grammar.write_text("#JSGF V1.0;\ngrammar x;\n")
    with pytest.raises(DataError, match=r"grammar.jsgf: has no words"):
        grammar_words(grammar)


def test_the_corpus_own_spelling_gets_the_phones_of_the_small_letters(grammar):
    assert pronunciations(grammar, LEXICON) == [
        "AH AA",
        "NONE N AH N",
        "ONE W AH N",
        "ONE(2) HH W AH N",
        "ZERO Z IH R OW",
    ]


def test_a_word_without_phones_is_named_with_the_place_for_them(grammar):
    grammar.with_suffix(".dict").unlink()
    with pytest.raises(DataError) as error:
        pronunciations(grammar, LEXICON)
    line = str(error.value)
    assert "grammar.jsgf: not in pocketsphinx's dictionary: ZERO;" in line
    assert "grammar.dict, as in 'XRAY EH K S R EY'" in line


def test_without_the_package_a_line_says_how_to_get_it(grammar, monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(DataError, match="not installed: pip install pocketsphinx"):
        Sphinx(grammar)


class FakeDecoder:
    """Writes how many samples it got and the loudest; of silence it knows nothing."""

    def __init__(self, jsgf, dict, logfn, **options):
        self.words = Path(dict).read_text()
        Path(logfn).write_text('ERROR: "x.c", line 1: no rule\nERROR: more\n')
        if "broken" in Path(jsgf).read_text():
            raise RuntimeError("Failed to initialize")

    def start_utt(self):
        self.heard = b""

    def process_raw(self, data, full_utt):
        self.heard += data

    def end_utt(self):
        pass

    def hyp(self):
        steps = np.frombuffer(self.heard, np.int16)
        if not steps.any():
            return None
        return types.SimpleNamespace(hypstr=f"{len(steps)} {steps.max()}")


@pytest.fixture
def fake(grammar, monkeypatch):
    module = types.ModuleType("pocketsphinx")
    module.Decoder = FakeDecoder
    (grammar.parent / "en-us").mkdir()
    (grammar.parent / "en-us/cmudict-en-us.dict").write_text(LEXICON)
    module.get_model_path = lambda name: str(grammar.parent / name)
    monkeypatch.setitem(sys.modules, "pocketsphinx", module)
    return module


def test_what_is_wrong_with_a_grammar_is_what_pocketsphinx_logs(fake, grammar):
    grammar.write_text(GRAMMAR + "// broken\n")
    with pytest.raises(DataError) as error:
        Sphinx(grammar)
    assert str(error.value) == f'{grammar}: "x.c", line 1: no rule'


def test_it_hears_16_bits_at_16_khz_and_writes_what_it_recognised(
    fake, grammar, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    tone = 0.5 * np.sin(2 * np.pi * 100 * np.arange(800) / 8000)
    soundfile.write("a.wav", tone, 8000)
    soundfile.write("b.wav", np.zeros(800), 8000)
    Path("wav.scp").write_text("a a.wav\nb b.wav\nc gone.wav\n")
    Path("keys").write_text("a a.wav\nb b.wav\n")
    words = ["--wav_scp", "wav.scp", "--key_file", "keys", "--grammar", str(grammar)]
    pocketsphinx_inference.main([*words, "--output_dir", "out", "--data_fs", "8k"])
    heard, silence = Path("out/1best_recog/text").read_text().splitlines()
    utterance, count, peak = heard.split()
    assert (utterance, count, silence) == ("a", "1600", "b")
    assert int(peak) == pytest.approx(0.5 * 32768, rel=0.05)


def test_mini_radios_grammar_is_that_of_its_sentences(repo_root, import_script):
    text = import_script(RECIPE / "local/radio_text.py")
    path = repo_root / RECIPE / "conf/grammar.jsgf"
    assert path.read_text() == text.jsgf()
    assert grammar_words(path) == set(text.vocabulary())
    rules = dict(line.rstrip(";").split(" = ") for line in text.jsgf().splitlines()[2:])
    assert rules["<end>"] == "OVER | OUT"
    assert rules["<call_sign>"].split(" | ") == text.CALL_SIGNS
    assert rules["public <sentence>"] == "<call_sign> <message>"


def test_pocketsphinx_itself_knows_the_words_and_follows_the_grammar(
    repo_root, tmp_path
):
    pytest.importorskip("pocketsphinx", reason="an option: pip install pocketsphinx")
    path = repo_root / RECIPE / "conf/grammar.jsgf"
    noise = np.random.default_rng(0).normal(scale=0.01, size=16000)
    assert set(Sphinx(path)(noise).split()) <= grammar_words(path)
    one = tmp_path / "one.jsgf"
    one.write_text("#JSGF V1.0;\ngrammar one;\npublic <a> = ONE+;\n")
    assert set(Sphinx(one)(noise).split()) <= {"ONE"}
    one.write_text("#JSGF V1.0;\npublic <a> = ONE;\n")
    with pytest.raises(DataError, match=r"one.jsgf: .*expecting GRAMMAR"):
        Sphinx(one)
