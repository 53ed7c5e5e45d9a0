"""Options that are the fields of a dataclass."""

import argparse
from dataclasses import dataclass

import pytest

from espnet2.data_dir.options import add_options, option, take_options


@dataclass(frozen=True)
class Rules:
    longest: float = option(2.5, "s; longer ones are dropped")
    count: int = option(3, "how many")
    refine: bool = option(True, "whether to refine")
    kind: str = option("keep", "keep or drop", ("keep", "drop"))


@pytest.fixture
def parse():
    parser = argparse.ArgumentParser()
    add_options(parser, Rules)
    return lambda *words: take_options(parser.parse_args(words), Rules)


def test_defaults_are_those_of_the_dataclass(parse):
    assert parse() == Rules()


def test_each_option_has_the_kind_of_its_default(parse):
    words = ["--longest", "3", "--count", "4", "--refine", "false", "--kind", "drop"]
    assert parse(*words) == Rules(3.0, 4, False, "drop")


@pytest.mark.parametrize(
    "words", [("--refine", "no"), ("--kind", "x"), ("--count", "1.5")]
)
def test_other_values_are_refused(parse, words, capsys):
    with pytest.raises(SystemExit):
        parse(*words)
    assert words[0] in capsys.readouterr().err


def test_the_help_has_the_default(parse, capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    assert "longer ones are dropped (default: 2.5)" in capsys.readouterr().out
