"""What the study says of its rows: means, spread, tables, picture, pages."""

import re
from pathlib import Path

import numpy as np
import pytest
from study_folder import RECIPE, STUDY

from espnet2.results.comparison import KEY, Results
from study.columns import COLUMNS
from study.plan_file import read_plan
from study.readme import TABLE, renew_tables
from study.statistics import summarize
from study.summary import describe

REPORT = Path("report")
PLANS = (
    "methods",
    "methods_4000",
    "methods_8000",
    "methods_se_first",
    "methods_scratch",
    "methods_frozen",
    "fixed_clean",
    "fixed_clean_others",
    "fixed_voices",
)


@pytest.fixture
def plan(toy_study):
    return read_plan(Path("plans/toy.yaml"))


def add(results, run, wer, words, **figures):
    row = dict(zip(KEY, run.key, strict=True))
    row |= {"commit": "abc", "machine": "m", "cnr": "6..14", "wer": str(wer)}
    results.add(row | {k: str(v) for k, v in figures.items()}, words)


@pytest.fixture
def results(plan):
    """sum: 20 and 30 % WER of ten words; remedy: 10 and 20 %; no cascade."""
    results = Results(REPORT)
    words = {
        ("sum", 0): (20, [(1, 5), (1, 3), (0, 2)]),
        ("sum", 1): (30, [(1, 5), (1, 3), (1, 2)]),
        ("remedy", 0): (10, [(0, 5), (1, 3), (0, 2)]),
        ("remedy", 1): (20, [(0, 5), (1, 3), (1, 2)]),
    }
    for run in plan.runs:
        if (run.name, run.seed) in words:
            add(results, run, *words[run.name, run.seed], si_snr=run.seed + 4)
    return results


def test_means_spread_and_relative_change_worked_by_hand(plan, results):
    items = summarize(plan, results.rows(), results.words())["easy"]
    base, remedy = items
    assert [item.method for item in items] == ["sum", "remedy"]
    assert base.mean["wer"] == 25 and remedy.mean["wer"] == 15
    assert remedy.std["wer"] == pytest.approx(50**0.5)
    assert remedy.change == pytest.approx(-40)
    assert remedy.mean["si_snr"] == 4.5
    assert np.isnan(base.change) and np.isnan(base.p_value)
    assert np.isnan(remedy.mean["pesq"])


def test_one_seed_has_neither_spread_nor_significance(plan, results):
    """Its p-value would speak of one model, not of the method.

    It is compared with the same seed: the mean over another seed, of 25 % in place of
    20 %, would have made it look better than it is.
    """
    rows = {k: v for k, v in results.rows().items() if k[1:3] != ("remedy", "1")}
    remedy = summarize(plan, rows, results.words())["easy"][1]
    assert np.isnan(remedy.std["wer"]) and np.isnan(remedy.p_value)
    assert remedy.change == pytest.approx(-50)


def test_methods_scored_on_other_utterances_are_refused(plan, results):
    run = next(r for r in plan.runs if r.key[1:3] == ("remedy", "0"))
    add(results, run, 10, [(0, 4), (1, 4), (0, 2)])
    with pytest.raises(ValueError, match="other test utterances"):
        summarize(plan, results.rows(), results.words())


def test_only_rows_of_the_present_definition_count(toy_study, plan, results):
    path = toy_study.folder / "plans/toy.yaml"
    path.write_text(path.read_text().replace("=null", "=dynamic"))
    new_plan = read_plan(path)
    run = next(r for r in new_plan.runs if r.key[1:3] == ("remedy", "1"))
    add(results, run, 50, [(5, 5), (0, 3), (0, 2)])
    assert len(results.rows()) == 5
    items = summarize(new_plan, results.rows(), results.words())
    assert items["easy"][1].mean["wer"] == 50


@pytest.mark.slow
def test_the_table_and_the_picture_show_them(toy_study, results):
    code, printed = toy_study.run("--stage", "3")
    assert code == 0, printed
    text = Path("report/toy.md").read_text()
    assert "|sum|25.00|7.07|20.00, 30.00|-|-|" in text
    assert "|remedy|15.00|7.07|10.00, 20.00|-40.0|" in text
    assert "runs: 4 of 6" in text and "against `sum`" in text
    assert Path("report/toy.png").read_bytes().startswith(b"\x89PNG")


def test_columns_that_other_versions_wrote_are_kept(plan, results):
    path = results.rows_path
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{x}\t{y}\n" for x, y in zip(lines, "nabcd", strict=True)))
    add(results, plan.runs[-1], 1, [(0, 5)])
    rows = list(results.rows().values())
    assert [row["n"] for row in rows] == ["a", "b", "c", "d", "nan"]


def test_a_torn_row_is_told_with_its_line(results):
    with results.rows_path.open("a") as file:
        file.write("easy\tsum\n")
    with pytest.raises(ValueError, match=r"results.tsv:6: has not as many fields"):
        results.rows()


@pytest.fixture
def toy_table(toy_study, results):
    """The table that a page asks for."""

    def table(wanted: str) -> list[str]:
        page = (
            f"before\n<!-- table: {wanted} -->\n|old|\n<!-- end of table -->\nafter\n"
        )
        renewed = renew_tables(page)
        assert renew_tables(renewed) == renewed
        lines = renewed.splitlines()
        assert (lines[0], lines[-1]) == ("before", "after")
        return lines[2:-2]

    return table


def test_a_pages_table_has_the_methods_sorted_by_wer(toy_table):
    assert toy_table("toy | easy: WER %, seeds, change %, SI-SNR dB, p99") == [
        "|method|easy WER %|easy seeds|easy change %|easy SI-SNR dB|easy p99|",
        "|---|---|---|---|---|---|",
        "|`remedy`|15.00|2|-40.0|4.50|-|",
        "|`sum`|25.00|2|-|4.50|-|",
    ]


def test_a_pages_table_may_choose_its_methods(toy_table):
    assert len(toy_table("toy | easy: WER % | methods: sum")) == 3


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("toy | mild: WER %", "there is no mild"),
        ("toy | easy: WORDS", "there is no WORDS"),
        ("toy | easy: WER % | methods: som", "there is no som"),
        ("none | easy: WER %", "none.yaml: cannot be read"),
    ],
)
def test_a_table_of_what_does_not_exist_is_refused(toy_table, wanted, said):
    with pytest.raises(ValueError, match=said):
        toy_table(wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANS)
def test_the_summary_is_that_of_the_rows(monkeypatch, name):
    monkeypatch.chdir(STUDY)
    plan, results = read_plan(Path(f"plans/{name}.yaml")), Results(REPORT)
    rows, words = results.rows(), results.words()
    text = describe(plan, summarize(plan, rows, words), rows, words)
    assert text == (REPORT / f"{name}.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("folder", [STUDY, RECIPE], ids=lambda path: path.name)
def test_every_table_of_the_pages_is_that_of_the_rows(monkeypatch, folder):
    monkeypatch.chdir(STUDY)
    page = (folder / "README.md").read_text()
    assert renew_tables(page) == page, "run: ./run.sh --stage 3"
    by_hand = TABLE.sub("", page).splitlines()
    assert not [line for line in by_hand if "WER %" in line and line.startswith("|")]


def test_the_study_shows_all_plans_that_have_rows():
    page = (STUDY / "README.md").read_text()
    shown = {wanted.split(" | ")[0] for _, wanted in TABLE.findall(page)}
    assert shown == set(PLANS)
    assert set(re.findall(r"\(report/(\w+)\.md\)", page)) == set(PLANS)
    assert {path.stem for path in (STUDY / "report").glob("*.md")} == set(PLANS)


def test_no_two_columns_are_one(plan, results):
    item = summarize(plan, results.rows(), results.words())["easy"][0]
    assert COLUMNS["WER std"](item) == "7.07" and COLUMNS["SI-SNR std"](item) == "0.71"
