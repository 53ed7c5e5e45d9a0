"""The toy corpus' sentences."""

import numpy as np
import pytest

SCRIPT = "egs2/mini_radio/asr_with_enhancement/local/radio_text.py"


@pytest.fixture
def radio_text(import_script):
    return import_script(SCRIPT)


def test_vocabulary_is_small_and_upper_case(radio_text):
    words = radio_text.vocabulary()
    assert 50 <= len(words) <= 100
    assert all(word.isalpha() and word.isupper() for word in words)
    assert len(set(words)) == len(words)


def test_sentences_have_4_to_10_words_of_the_vocabulary(radio_text):
    rng = np.random.default_rng(0)
    sentences = [radio_text.draw_sentence(rng).split() for _ in range(2000)]
    assert min(map(len, sentences)) == 4
    assert max(map(len, sentences)) == 10
    assert {word for s in sentences for word in s} == set(radio_text.vocabulary())


def test_no_sentence_comes_twice(radio_text):
    taken = set()
    first = radio_text.draw_sentences(200, np.random.default_rng(0), taken)
    second = radio_text.draw_sentences(200, np.random.default_rng(0), taken)
    assert len(set(first + second)) == 400
    assert taken == set(first + second)


def test_same_seed_gives_the_same_sentences(radio_text):
    draws = [
        radio_text.draw_sentences(50, np.random.default_rng(seed), set())
        for seed in (3, 3, 4)
    ]
    assert draws[0] == draws[1] != draws[2]


def test_an_exhausted_grammar_is_an_error(radio_text, monkeypatch):
    monkeypatch.setattr(radio_text, "CALL_SIGNS", ["<letter>"])
    monkeypatch.setattr(radio_text, "MESSAGES", ["OVER"])
    with pytest.raises(ValueError, match="only 26 different sentences"):
        radio_text.draw_sentences(27, np.random.default_rng(0), set())
