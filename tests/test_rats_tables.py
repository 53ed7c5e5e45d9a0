"""SAD tables, links and offsets of RATS: values worked by hand."""

import sys

import numpy as np
import pytest

LOCAL = "egs2/rats_chA/asr_with_enhancement/local"


@pytest.fixture
def load(import_script):
    return lambda name: import_script(f"{LOCAL}/{name}.py")


def sad_text(*rows: tuple[float, float, str], end: str = "\n") -> str:
    rest = "\tmanual\t\t\teng\tmanual\t\t"
    return "".join(f"train\tf\t{a}\t{b}\t{label}{rest}{end}" for a, b, label in rows)


def test_sad_rows_keep_empty_columns_apart(load, tmp_path):
    path = tmp_path / "x.tab"
    text = sad_text((0, 1.5, "NS"), (1.5, 2, "S"), (2, 2.5, "QQ"), end="\r\n")
    path.write_bytes(text.encode())
    sad = load("sad")
    assert sad.read_sad(path) == [(0, 1.5, "NS"), (1.5, 2, "S"), (2, 2.5, "QQ")]
    path.write_text("part\tid\tstart\tend\tlabel\tprov\n" + sad_text((0, 1, "S")))
    assert sad.read_sad(path) == [(0, 1, "S")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (sad_text((0, 2, "S"), (1, 3, "NS")), "x.tab:2: begins before"),
        (sad_text((0, 1, "S")) + "train\tf\t1\n", "x.tab:2: .* no SAD row"),
        (sad_text((0, 1, "S")) + "train\tf\t1\t2\tS\tman", "no line end"),
        (sad_text((2, 1, "S")), "x.tab:1"),
        (sad_text((0, float("nan"), "S")), "x.tab:1"),
    ],
)
def test_a_bad_sad_table_is_refused_with_its_line(load, tmp_path, text, message):
    path = tmp_path / "x.tab"
    path.write_text(text)
    sad = load("sad")
    with pytest.raises(sys.modules["text_files"].SkipError) as error:
        sad.read_sad(path)
    assert error.value.status == "bad_sad"
    assert error.match(message)


def test_nt_and_rx_belong_to_the_speech_that_they_divide(load):
    sad = load("sad")
    rows = [
        sad.Row(*row)
        for row in [(0, 1, "NS"), (1, 2, "S"), (2, 2.5, "NT"), (2.5, 3, "RX")]
    ] + [sad.Row(3.001, 4, "S"), sad.Row(4, 5, "NS"), sad.Row(5, 6, "S")]
    assert sad.speech_runs(rows) == [(1, 4), (5, 6)]
    assert sad.inner_runs(rows) == [(1, 4)]  # the last may go on past the table
    within = sad.Interval(1.5, 7)
    assert sad.not_transmitted(rows, within) == [(2, 3.001), (6, 7)]


def test_gaps_and_unknown_labels_count_as_not_transmitted(load):
    sad = load("sad")
    rows = [sad.Row(0, 1, "S"), sad.Row(1.2, 2, "S"), sad.Row(2, 3, "RS")]
    assert sad.not_transmitted(rows, sad.Interval(0.5, 2.5)) == [(1, 1.2), (2, 2.5)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fe_03_05852-A.sph", ("05852", "A")),
        ("fe_03_05852_b.flac", ("05852", "B")),
        ("fe_03_058522.sph", (None, None)),
        ("fe_03_05852.sph", ("05852", None)),
        ("audio/058/fe_03_05852L.sph", ("05852", "A")),
        ("fe_03_05852.2", ("05852", "B")),
        ("12345_R.wav", ("12345", "B")),
        ("12345-54321.wav", (None, None)),
        ("noname.sph", (None, None)),
        ("fe_03_05852-A-copy.sph", ("05852", None)),
    ],
)
def test_call_and_side_from_a_file_name(load, name, expected):
    assert load("link_calls").parse_name(name) == expected


def test_the_best_shift_is_found_and_the_iou_is_that_of_the_intervals(load):
    link = load("link_calls")
    limits = link.LinkLimits()
    said = [(1.0, 2.0), (4.0, 5.0), (5.5, 7.0)]
    heard = [(a - 1.3, b - 1.3) for a, b in said]
    assert link.best_overlap(said, heard[1:], limits).shift == pytest.approx(-1.3)
    overlap = link.best_overlap(said, [(1.0, 2.0), (4.0, 4.5), (5.5, 7.0)], limits)
    assert overlap == pytest.approx((3 / 3.5, 0.0))
    assert link.best_overlap([], heard, limits) == (0, 0)


@pytest.mark.parametrize(
    ("marker", "b", "status"),
    [
        ("B", [(2, 3), (9, 9.4)], "side_conflict"),
        (None, [(1, 2), (4, 6)], "side_unclear"),
        ("A", [(2, 3), (9, 9.4)], None),
    ],
)
def test_a_link_needs_overlap_margin_and_the_name(load, marker, b, status):
    link = load("link_calls")
    speech = [(1, 2), (4, 6), (7, 7.5)]
    sides = {"A": [(1, 2), (4, 6)], "B": b}
    if status is None:
        found = link.choose_side(sides, speech, marker, link.LinkLimits())
        assert (found.side, found.shift) == ("A", 0)
        assert found.iou_a == pytest.approx(3 / 3.5, abs=0.02)
        return
    with pytest.raises(link.SkipError) as error:
        link.choose_side(sides, speech, marker, link.LinkLimits())
    assert error.value.status == status


def test_without_overlap_there_is_no_link(load):
    link = load("link_calls")
    sides = {"A": [(50.0, 51.0)], "B": []}
    with pytest.raises(link.SkipError) as error:
        link.choose_side(sides, [(1, 2)], None, link.LinkLimits())
    assert error.value.status == "low_overlap"


def speech(rng: np.random.Generator, count: int = 12) -> np.ndarray:
    """Starts and ends (count, 2) of speech with pauses, s."""
    times = np.cumsum(rng.uniform(0.3, 2.0, size=2 * count))
    return times.reshape(count, 2)


@pytest.mark.parametrize("delta", [0.0, 0.737, -12.4, 29.0])
@pytest.mark.parametrize("missing", [[], [3], [0, 5, 11]])
def test_the_offset_is_found_to_a_millisecond(load, delta, missing):
    """Also where stretches are missing, and with rounding and an outlier."""
    module = load("session_offset")
    rng = np.random.default_rng(len(missing))
    source = speech(rng)
    channel = np.delete(source, missing, axis=0) + delta + rng.uniform(-5e-4, 5e-4)
    channel[0, 1] += 0.5  # one end is elsewhere
    found = module.estimate_offset(source, channel, module.OffsetLimits(min_share=0.8))
    assert found.delta == pytest.approx(delta, abs=1e-3)
    assert found.n_boundaries >= 2 * (12 - len(missing) - 1)


def test_an_offset_needs_matches_that_agree_and_do_not_drift(load):
    module = load("session_offset")
    rng = np.random.default_rng(3)
    limits = module.OffsetLimits()
    source = speech(rng)
    cases = {
        "no_offset": speech(np.random.default_rng(4)),
        "drift": source + 0.5 + source[:, :1] * (0.03 / source.max()),
    }
    for status, channel in cases.items():
        with pytest.raises(module.SkipError) as error:
            module.estimate_offset(source, channel, limits)
        assert error.value.status == status
    with pytest.raises(module.SkipError) as error:
        module.estimate_offset(source[:4], source[:4], limits)
    assert "8 boundaries match" in error.value.detail
    with pytest.raises(module.SkipError):
        module.estimate_offset([], [], limits)


def test_gcc_phat_finds_the_lag_through_noise_and_a_filter(load):
    module = load("gcc_phat")
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(4):
        clean = rng.normal(size=9000)
        channel = np.convolve(np.roll(clean, 37), [1, -0.8])[:9000]
        pairs.append((clean, channel + rng.normal(size=9000)))
    lag = module.find_lag(pairs, 160)
    assert lag.samples == 37 and lag.peak > 10
    noise = [(a, rng.normal(size=9000)) for a, _ in pairs]
    assert module.find_lag(noise, 160).peak < 10
    assert module.find_lag([(np.zeros(10), np.zeros(10))], 160) == (0, 0)
    assert module.find_lag([], 160) == (0, 0)
