"""WER at equal SI-SNR against the baseline's front, worked by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
from study_folder import PLAN

from espnet2.results.comparison import KEY, Results
from study.front_picture import collect_fronts, draw_front
from study.front_table import correct, front_table
from study.fronts import compare_fronts, on_front, split_name, spread
from study.picture import plt
from study.plan_file import read_plan
from study.statistics import summarize
from study.weight_table import weight_pairs, weight_table

METHODS = ("sum_w020", "sum_w095", "asr_only", "se_only", "better_w067", "same_w067")
FRONT = PLAN[: PLAN.index("methods:")].replace("baseline: sum", "baseline: sum_w020")
# WER of ten words in five utterances, SI-SNR in dB
FIGURES = {
    "asr_only": (30, -3.0),  # beaten in both by sum_w020
    "sum_w020": (20, 1.0),
    "sum_w095": (40, 3.0),
    "se_only": (60, 4.0),
    "better_w067": (20, 2.0),  # the front is at 30 % there
    "same_w067": (30, 2.0),
}


@pytest.fixture
def plan(toy_study):
    lines = "".join(f'    {name}: "--name {name}"\n' for name in METHODS)
    toy_study.write(f"{FRONT}methods:\n{lines}")
    return read_plan(Path("plans/toy.yaml"))


def write(plan, seeds=(0, 1), drop=()):
    results = Results(Path("report"))
    for run in plan.runs:
        if run.seed in seeds and (run.name, run.seed) not in drop:
            wer, snr = FIGURES[run.name]
            row = dict(zip(KEY, run.key, strict=True))
            row |= {"commit": "abc", "machine": "m", "cnr": "3..9", "wer": str(wer)}
            words = [(int(10 * wer / 100 * 10), 100)] * 5
            results.add(row | {"si_snr": str(snr), "pesq": "1.5"}, words)
    rows, words = results.rows(), results.words()
    return summarize(plan, rows, words)["easy"], rows, words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sum_w067", ("sum", 0.67)),
        ("one_way_smooth_w095", ("one_way_smooth", 0.95)),
        ("se_only", ("se_only", 1.0)),
        ("sum", None),
        ("d4am", None),
    ],
)
def test_a_methods_name_holds_its_weight(name, found):
    assert split_name(name) == found


def front_at(snr, points):
    x, y = np.array(points, dtype=float).T
    return on_front(np.array([snr], dtype=float), x[None], y[None])[0]


@pytest.mark.parametrize(
    ("snr", "wer"),
    [
        (1, 20),  # a point
        (2, 30),  # half way
        (3.75, 55),
        (-2, 20),  # below: the point with more SI-SNR and fewer errors counts
        (5, 60),  # beyond: the end's
    ],
)
def test_the_front_is_linear_between_its_points(snr, wer):
    points = [(1, 20), (3, 40), (4, 60)]
    assert front_at(snr, points) == pytest.approx(wer)


def test_a_point_that_another_beats_in_both_is_passed_over():
    assert front_at(-3, [(-3, 30), (1, 20), (3, 40)]) == 20
    assert front_at(1.5, [(1, 50), (2, 20), (3, 40)]) == 20


def test_a_point_that_is_passed_over_does_not_break_the_line_of_the_others():
    """The SE loss alone once hid the way from w = 0.95 to 0.99: methods gained."""
    points = [(-3, 22), (4.1, 26), (4.3, 30), (4.2, 44)]
    assert front_at(4.2, points) == pytest.approx(28)
    assert front_at(4.15, points) == pytest.approx(27)


def test_points_of_equal_si_snr_give_the_lower_wer():
    assert front_at(1, [(1, 20), (1, 25), (3, 40)]) == 20


def test_methods_against_the_front(plan):
    items, rows, words = write(plan)
    better, same = compare_fronts(items, plan.baseline, rows, words)
    assert (better.method, better.weight) == ("better_w067", 0.67)
    assert better.base_wer == pytest.approx(30)
    assert better.change == pytest.approx(-100 / 3)
    # all sentences and seeds are alike: nothing varies over the draws
    assert better.interval == pytest.approx((-100 / 3, -100 / 3))
    assert better.p_value < 0.001
    assert same.change == pytest.approx(0, abs=1e-9)
    again = compare_fronts(items[::-1], plan.baseline, rows, words)
    assert again[::-1] == [better, same]  # the plan's order decides nothing


def test_p_values_are_corrected_for_their_number():
    """By hand: p times n / rank, never below that of a larger p."""
    assert correct([0.01, math.nan, 0.5, 0.02]) == pytest.approx(
        [0.03, math.nan, 0.5, 0.03], nan_ok=True
    )
    assert correct([0.04]) == [0.04]
    assert correct([]) == []


def test_one_seed_has_no_interval(plan):
    items, rows, words = write(plan, seeds=[0])
    point = compare_fronts(items, plan.baseline, rows, words)[0]
    assert point.interval is None and np.isnan(point.p_value)
    assert "|-|" in front_table([point])


def test_only_seeds_of_the_whole_front_count(plan):
    """A front whose end lacks a seed must not mix means of different seeds."""
    items, rows, words = write(plan, drop=[("se_only", 1)])
    point = compare_fronts(items, plan.baseline, rows, words)[0]
    assert point.seeds == 1 and point.interval is None
    Path("report/results.tsv").unlink()
    items, rows, words = write(plan, drop=[("better_w067", 0), ("se_only", 1)])
    assert [p.method for p in compare_fronts(items, plan.baseline, rows, words)] == [
        "same_w067"
    ]


def test_the_rise_over_the_weights(plan):
    items, rows, words = write(plan)
    assert spread(items, "sum") == pytest.approx(100)
    assert np.isnan(spread(items, "better"))
    assert weight_table(items, "sum", rows, words).splitlines() == [
        "|WER %|w = 0.2|w = 0.95|rise over w, %|change at equal w, %|p|",
        "|---|---|---|---|---|---|",
        "|`sum`|20.00|40.00|+100.0|-|-|",
    ]


def test_a_method_is_compared_with_the_baseline_at_its_weights_and_seeds(plan):
    """Of better_w095 seed 1 is missing, of sum_w020 seed 0; better_w067 has no sum."""
    items, rows, words = write(plan, drop=[("sum_w020", 0)])
    better = items[[item.method for item in items].index("better_w067")]
    items += [better._replace(method="better_w020")]
    items += [better._replace(method="better_w095", rows={0: better.rows[0]})]
    pairs = weight_pairs(items, "better", "sum")
    assert [(ours[2], base[1:3]) for ours, base in pairs] == [
        ("1", ("sum_w020", "1")),
        ("0", ("sum_w095", "0")),
    ]
    last = weight_table(items, "sum", rows, words).splitlines()[-1]
    assert last.startswith("|`better`|") and "|-33.3|0." in last  # 20, 20 to 20, 40
    del better.rows[1]  # now two weights of one seed, of which p would speak as of two
    last = weight_table(items, "sum", rows, words).splitlines()[-1]
    assert last.endswith("|-50.0|-|")  # 20 to 40


def test_the_picture_shows_what_has_a_weight_and_the_rest_at_its_edge(plan):
    """With the ends in, the fronts were a tenth of the picture."""
    items, *_ = write(plan)
    fronts = collect_fronts(items, "si_snr")
    assert fronts["sum"] == [(0.2, 1.0, 20.0), (0.95, 3.0, 40.0)]
    assert np.isnan(fronts["se_only"][0][0])
    figure, axis = plt.subplots()
    draw_front(axis, fronts)
    low, high = axis.get_xlim()
    assert -3 < low < 1 and 3 < high < 4  # of asr_only, sum, sum, se_only
    written = {text.get_text(): text.xy for text in axis.texts}
    assert {"0.2", "0.67", "0.95"} < set(written)
    assert written["30.0 % at -3"] == (low, 30) and written["60.0 % at 4"][0] == high
    assert all(low <= x <= high for x, _ in written.values())
    plt.close(figure)


@pytest.mark.slow
def test_the_study_writes_both_tables_and_the_picture(toy_study, plan):
    write(plan)
    code, printed = toy_study.run("--stage", "3")
    assert code == 0, printed
    text = Path("report/toy.md").read_text()
    assert "## easy: at equal SI-SNR" in text
    assert "|`better_w067`|2|2.00|20.00|30.00|-33.3 (-33.3 to -33.3)|0.0002|" in text
    assert Path("report/toy.png").read_bytes().startswith(b"\x89PNG")
