"""The page of results: its figures are those of the files, its texts are no markup."""

import base64
import io
import itertools
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile
from PIL import Image

from espnet2.bin.result_page import main
from espnet2.result_page.methods import read_comparison
from espnet2.result_page.page import _hash, make_page
from espnet2.result_page.selection import choose, spaced
from espnet2.result_page.spectrogram import level_map, pictures
from espnet2.results.alignment import Piece, align
from espnet2.results.experiment import read_experiment
from espnet2.results.intervals import ratio_interval
from espnet2.results.recognition import difference
from espnet2.results.tables import write_files

REFERENCES = {"u1": "one two", "u2": "three four five", "u3": "six"}
# 1 replaced; nothing; 1 added: 2 errors in 6 words
HYPOTHESES = {"u1": "one too", "u2": "three four five", "u3": "six seven"}
BEFORE = {"u1": -1.0, "u2": 0.0, "u3": 1.0}
AFTER = {"u1": 3.0, "u2": 4.5, "u3": 6.0}


@pytest.fixture
def fake(import_script):
    return import_script("tests/browser/fake_results.py")


@pytest.fixture
def recipe(fake, tmp_path):
    return fake.FakeRecipe(tmp_path)


@pytest.fixture
def finished(recipe):
    recipe.add_set(REFERENCES)
    recipe.decode("a", HYPOTHESES)
    recipe.enhance("a", BEFORE, AFTER)
    return recipe


class Page(HTMLParser):
    """What a browser makes of it: elements, the text of all, the cells of tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.text, self.rows = [], "", {}
        self._table = self._cell = self._own = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append((tag, attrs))
        if tag == "table":
            self._table = self.rows.setdefault(attrs["id"], [])
        elif tag == "tr":
            self._table.append([])
        elif tag in ("th", "td"):
            self._table[-1].append("")
            self._cell = True
        elif tag in ("script", "style"):
            self._own = tag

    def handle_endtag(self, tag):
        if tag in ("th", "td"):
            self._cell = False
        elif tag == self._own:
            self._own = None

    def handle_data(self, data):
        if self._own:
            return
        self.text += " ".join(data.split()) + " "
        if self._cell:
            joined = f"{self._table[-1][-1]} {data}"
            self._table[-1][-1] = " ".join(joined.split())

    def values(self, tag, name):
        return [attrs.get(name) for found, attrs in self.elements if found == tag]


def page_of(recipe, *exps, number=12, letters="ABC", **more):
    pairs = zip(exps, letters if len(exps) > 1 else [""], strict=False)
    experiments = [read_experiment(recipe.exp(name), letter) for name, letter in pairs]
    return Page(make_page(experiments, recipe.dump, number, **more).html)


def test_the_interval_of_two_utterances_worked_by_hand():
    # The draws (0,0), (0,1), (1,0), (1,1) of errors 0 and 1 in 1 word each.
    assert ratio_interval([0, 1], [1, 1]) == (0, 1)
    assert ratio_interval([1, 2], [2, 4]) == (0.5, 0.5)
    assert ratio_interval([1], [2]) is None


def test_the_interval_is_that_of_all_possible_draws():
    errors, words = np.array([0, 1, 5, 2, 0]), np.array([3, 4, 6, 2, 9])
    draws = np.array(list(itertools.product(range(5), repeat=5)))
    rates = errors[draws].sum(1) / words[draws].sum(1)
    exact = np.percentile(rates, [2.5, 97.5])
    assert ratio_interval(errors, words) == pytest.approx(exact, abs=0.02)


def test_alignments_name_what_was_replaced_left_out_and_added():
    first, empty = align([*"abcd"], [*"xace"]), align(["a"], [])
    assert [piece for piece in first.pieces if piece.kind != "equal"] == [
        Piece("insert", "", "x"),
        Piece("delete", "b", ""),
        Piece("substitute", "d", "e"),
    ]
    counts = first.counts
    assert (counts.errors, counts.reference_units, counts.error_rate) == (3, 4, 0.75)
    assert empty.pieces == [Piece("delete", "a", "")]


def test_differences_are_paired_by_utterance(finished):
    finished.decode("b", {**HYPOTHESES, "u2": "three"})
    rates = [
        read_experiment(finished.exp(name)).sets["test"].decodings["dec"]["wer"]
        for name in "ab"
    ]
    points, interval = difference(*rates)
    assert points == pytest.approx(100 * 2 / 6)
    assert interval.low == 0 and interval.high > points
    assert difference(rates[0], rates[0]) == (0, (0, 0))


def test_worst_median_and_best_are_chosen_without_overlap():
    ranked = list("abcdefghi")
    assert choose(ranked, 3) == {"i": "worst", "e": "median", "a": "best"}
    kinds = choose(ranked, 5)
    assert list(kinds) == ["i", "h", "e", "d", "a"]
    apart = {"c": 0.4, "d": 0.9, "i": 1.0}
    chosen = choose(ranked, 4, lambda key: apart.get(key, 0.0))
    assert (chosen["i"], chosen["d"]) == ("worst", "differ")
    nothing_apart = choose(ranked, 4, lambda key: 0.0)
    assert list(nothing_apart.values()) == ["worst", "median", "median", "best"]
    assert len(choose(ranked, 99)) == 9 and choose(ranked, 0) == {}
    assert list(spaced(list("dcba"), 2)) == ["a", "c"]


@pytest.mark.slow
def test_the_figures_are_those_of_the_files(finished):
    finished.train("a")
    page = page_of(finished, "a")
    heading, row = page.rows["table-recognition"]
    assert heading[:3] == ["set", "WER %", "CER %"]
    assert row[0] == "test" and row[1].startswith("33.3 ")
    assert row[3:] == ["16.7", "0.0", "16.7", "3", "6"]
    (snr,) = page.rows["table-enhancement"][1:]
    assert snr == ["SI-SNR dB", "0.00", "4.50", "+4.50 +4.00 to +5.00"]
    assert "WER 33.3 % on test (95 % interval" in page.text
    assert "takes SI-SNR from 0.00 to 4.50 dB" in page.text
    assert "only 3 utterances" in page.text
    rows = page.rows["table-utterances"][1:]
    assert [row[0] for row in rows] == ["u3", "u1", "u2"]
    assert rows[0] == ["u3", "worst", "100", "1.0", "6.0"]
    assert "conflict: 50%" in page.text
    assert "train.yaml, method remedy, seed 7" in page.text


def test_a_comparison_says_which_is_better_and_what_chance_explains(recipe):
    texts = {f"u{i:02}": "one two three four" for i in range(40)}
    recipe.add_set(texts, seconds=0.1)
    recipe.decode("a", texts)
    recipe.decode("b", dict.fromkeys(texts, "one two three"))
    recipe.decode("c", {**texts, "u00": "one"})
    page = page_of(recipe, "a", "b", "c")
    assert "B makes 25.0 points more word errors than A" in page.text
    assert "more than the choice of utterances explains" in page.text
    assert "C makes 1.9 points more word errors than A" in page.text
    assert "on other utterances it may be the other way round" in page.text
    assert [row[0] for row in page.rows["table-recognition"]] == ["system", *"ABC"]
    assert page.rows["table-errors"][1] == [
        "four",
        "\u2013",
        "left out",
        "0",
        "40",
        "1",
    ]
    assert page.values("svg", "class") == ["whisker"] * 6
    same = page_of(recipe, "a", "a")
    assert "B makes as many word errors as A" in same.text


HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img/src=x/onerror='alert(1)'>",
    "</script><svg/onload=alert(1)>",
    "'`{{7*7}}{%raw%}&lt;&amp;",
    "\u202eevil\u0627\u0644\u0639\U0001f600",
]


def test_hostile_ids_and_texts_stay_text(recipe, fake):
    texts = {name: f"{name} said </p></style>{name}" for name in HOSTILE}
    recipe.add_set(texts)
    recipe.decode("<b>a", {name: f"</del>{name}" for name in HOSTILE})
    speakers = dict.fromkeys(texts, "<i>sp")
    fake.write_table(recipe.dump / "raw/test/utt2spk", speakers)
    page = page_of(recipe, "<b>a")
    tags = [tag for tag, _ in page.elements]
    assert (tags.count("script"), tags.count("style")) == (1, 1)
    assert not {"b", "i", "svg"} & set(tags)
    assert all(src.startswith("data:") for src in page.values("img", "src"))
    names = {name for _, attrs in page.elements for name in attrs}
    assert not any(name.startswith("on") for name in names)
    for name in HOSTILE:
        assert page.text.count(name) >= 4


@pytest.mark.slow
def test_nothing_is_fetched_and_only_our_own_script_may_run(finished):
    finished.train("a")
    page = page_of(finished, "a")
    for tag, attrs in page.elements:
        for name in ("src", "href", "poster", "srcset", "action"):
            assert attrs.get(name, "#").startswith(("#", "data:")), (tag, attrs)
    policy = page.values("meta", "content")[1]
    assert policy.startswith("default-src 'none';")
    html = make_page([read_experiment(finished.exp("a"))], finished.dump, 1).html
    for tag in ("script", "style"):
        (own,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert f"{tag}-src '{_hash(own)}'" in html


def test_missing_parts_are_said_with_the_stage_that_makes_them(recipe, fake):
    recipe.add_set(REFERENCES)
    fake.write_table(recipe.exp("a") / "dec" / "test" / "text_spk1", HYPOTHESES)
    recipe.enhance("b", BEFORE, AFTER)
    shutil.rmtree(recipe.dump / "raw/test/scoring")
    (recipe.dump / "raw/test/spk1.scp").unlink()
    assert "the noisy speech has no scores: run stage 15" in page_of(recipe, "b").text
    page = page_of(recipe, "a", number=2)
    for sentence in (
        "dec/test has no WER: run stage 14",
        "test is not enhanced: run stages 13 and 15",
        "spk1.scp is not there, so there is no clean speech to hear: stage 3",
        "config.yaml: is no config",
        "There is no clean reference of this recording",
        "There are no scores yet",
    ):
        assert sentence in page.text
    assert [row[:2] for row in page.rows["table-utterances"][1:]] == [
        ["u1", "sample"],
        ["u2", "sample"],
    ]
    assert len(page.values("audio", "src")) == 2


def test_a_real_recording_is_not_played_as_its_own_clean_reference(finished):
    scp = finished.dump / "raw/test"
    (scp / "spk1.scp").write_bytes((scp / "wav.scp").read_bytes())
    page = page_of(finished, "a")
    assert {label.split(",")[0] for label in page.values("audio", "aria-label")} == {
        "Noisy",
        "Enhanced",
    }
    assert page.text.count("no clean reference of this recording") == 3


def test_audio_that_cannot_be_read_is_named(finished):
    (finished.root / "sound/noisy/0.wav").write_bytes(b"no sound")
    page = page_of(finished, "a")
    assert "noisy/0.wav: is no audio file" in page.text
    assert len(page.values("audio", "src")) == 8


def decoded(uri: str, kind: str) -> bytes:
    assert uri.startswith(f"data:{kind};base64,")
    return base64.b64decode(uri.split(",", 1)[1])


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
def test_players_are_equally_loud_at_the_rate_of_the_data(recipe, rate):
    recipe.rate = rate
    recipe.add_set({"u1": "one"})
    recipe.decode("a", {"u1": "one"})
    recipe.enhance("a", {"u1": 0.0}, {"u1": 1.0})
    page = page_of(recipe, "a")
    levels = []
    for uri in page.values("audio", "src"):
        sound = io.BytesIO(decoded(uri, "audio/flac"))
        samples, found = soundfile.read(sound)
        assert (found, len(samples)) == (rate, int(1.5 * rate))
        levels.append(20 * np.log10(np.sqrt(np.mean(samples**2))))
    assert levels == pytest.approx([-23.0] * 3, abs=0.05)
    assert "turned down 12.5 dB" in page.text  # from 0.3
    assert "turned up 3.0 dB" in page.text  # from 0.05
    assert f"up: 0 to {rate / 2000:g} kHz" in page.text


def test_a_long_utterance_is_cut_and_silence_is_no_error(finished):
    sound = finished.root / "sound/noisy/0.wav"
    soundfile.write(sound, np.zeros(8000 * 30), 8000)
    page = page_of(finished, "a")
    assert "Only the first 12 of 30.0 seconds" in page.text
    noisy = page.values("audio", "src")[3]  # of u1, the second
    samples, _ = soundfile.read(io.BytesIO(decoded(noisy, "audio/flac")))
    assert len(samples) == 12 * 8000 and not samples.any()


def test_spectrograms_share_a_scale_and_stand_upright():
    time = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 1000 * time)
    drawn = pictures([level_map(level * tone, 8000) for level in (0.5, 0.005)])
    loud, soft = (
        np.asarray(Image.open(io.BytesIO(decoded(uri, "image/png")))) for uri in drawn
    )
    rows = loud.shape[0]
    assert loud.mean(1).argmax() == pytest.approx(rows * 3 / 4, abs=2)
    assert loud.max() == 31
    assert int(loud.max()) - int(soft.max()) == pytest.approx(31 * 40 / 70, abs=1)


def test_the_page_is_made_smaller_by_showing_fewer_utterances(finished):
    experiments = [read_experiment(finished.exp("a"))]
    whole = make_page(experiments, finished.dump, 3)
    assert (whole.shown, whole.wanted) == (3, 3)
    limit = len(whole.html) - 1000
    made = make_page(experiments, finished.dump, 3, max_bytes=limit)
    assert len(made.html.encode()) <= limit and made.shown == 2
    assert "2 of 3 utterances are shown" in Page(made.html).text
    with pytest.raises(ValueError, match="even without utterances, over 1000"):
        make_page(experiments, finished.dump, 3, max_bytes=1000)


def test_sets_share_the_utterances(finished):
    finished.add_set(REFERENCES, "other")
    finished.decode("a", REFERENCES, "other")
    page = page_of(finished, "a", number=4)
    assert [row[2] for row in page.rows["table-utterances"][1:]] == [
        *["other"] * 2,
        *["test"] * 2,
    ]
    assert page.rows["table-recognition"][1][:2] == ["other", "0.0 0.0 to 0.0"]


def test_the_same_results_give_the_same_page(finished):
    pages = [
        make_page([read_experiment(finished.exp("a"))], finished.dump, 3).html
        for _ in range(2)
    ]
    assert pages[0] == pages[1]


def test_the_command_works_in_the_recipe_folder(finished, monkeypatch, capsys):
    monkeypatch.chdir(finished.root)
    main(["exp/a"])
    assert "exp/a/report.html: 3 utterances" in capsys.readouterr().out
    assert (finished.exp("a") / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert not list(finished.exp("a").glob("*.tmp"))


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    write_files({tmp_path / "report.html": "old"})
    with pytest.raises(UnicodeEncodeError):
        write_files({tmp_path / "report.html": "new \ud800"})
    assert (tmp_path / "report.html").read_text() == "old"


def test_what_is_wrong_is_one_line(finished, monkeypatch):
    monkeypatch.chdir(finished.root)
    with pytest.raises(SystemExit, match="exp/none: is no folder"):
        main(["exp/none"])
    (finished.root / "exp/empty").mkdir()
    with pytest.raises(SystemExit, match="exp/empty: has no results yet"):
        main(["exp/empty"])
    with pytest.raises(SystemExit, match="x.tsv: cannot be read"):
        main(["exp/a", "--results_tsv", "x.tsv"])


def test_scores_that_contradict_each_other_are_not_shown(finished):
    score = finished.exp("a") / "dec/test/score_wer/hyp_spk1.trn"
    score.write_text(score.read_text().replace("too", "two"))
    page = page_of(finished, "a")
    assert "score.json and the trn files disagree; run stage 14 again" in page.text
    assert page.rows["table-recognition"][1][1] == "\u2013"


HEADER = "condition method seed definition wer cer si_snr stoi pesq conflict rescaled"
ROWS = [
    "hard sum 0 d1 40 30 1 60 1.1 0.4 0",
    "hard sum 1 d1 99 30 1 60 1.1 0.4 0",
    "hard sum 1 d1 44 30 1 60 1.1 0.4 0",  # made anew: the last one counts
    "hard asr 0 d2 50 30 nan nan nan nan nan",
]


def test_methods_are_averaged_over_their_seeds(tmp_path, finished):
    lines = [f"{HEADER} stretch_p99", *(f"{row} 1" for row in ROWS)]
    table = tmp_path / "results.tsv"
    table.write_text("\n".join(lines).replace(" ", "\t") + "\n")
    page = page_of(finished, "a", comparison=read_comparison(table))
    first, second = page.rows["table-methods"][1:]
    assert first[:5] == ["sum", "hard", "2", "42.0 \u00b1 2.8", "30.0 \u00b1 0.0"]
    assert second[:6] == ["asr", "hard", "1", "50.0", "30.0", "\u2013"]
    assert "sum has the lowest mean WER, 42.0 %, over 2 seeds." in page.text
    assert "The picture is not there" in page.text
    for name in ("one", "two"):
        Image.new("RGB", (9, 9)).save(tmp_path / f"{name}.png")
    page = page_of(finished, "a", comparison=read_comparison(table))
    pictures_beside = [alt for alt in page.values("img", "alt") if "comparison" in alt]
    assert [alt.split(",")[0] for alt in pictures_beside] == ["one", "two"]
    table.write_text("condition\tmethod\nhard\tsum\n")
    with pytest.raises(ValueError, match="lacks the columns cer, conflict, definition"):
        read_comparison(table)
