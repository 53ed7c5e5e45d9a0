"""Clean = mixture - background: exact, checked, and done again only where needed."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_chime4 import RATE, speech, write_wav

LOCAL = "egs2/chime4/asr_with_enhancement/local"
START = 5000


@pytest.fixture
def pool(import_script):
    return import_script(f"{LOCAL}/reference_pool.py")


@pytest.fixture
def subtract(pool):
    return sys.modules["subtract_background"]  # the one that the others use


@pytest.fixture
def references(pool):
    return sys.modules["clean_references"]


@pytest.fixture
def sounds():
    """Clean speech, and a background longer than it, in steps of 16 bits."""
    rng = np.random.default_rng(3)
    clean = speech(rng, RATE)
    return clean, np.round(rng.normal(0, 300, 3 * RATE)).astype(np.int32)


@pytest.fixture
def job(references, sounds, tmp_path):
    """A mixture on disk, as the simulation makes it."""
    clean, noise = sounds
    files = {
        "mix.wav": clean + noise[START : START + len(clean)],
        "bgd.wav": noise,
        "org.wav": np.roll(clean, 3) // 2,
    }
    for name, samples in files.items():
        write_wav(tmp_path / name, samples)
    return references.Job(
        key="x",
        mixture=str(tmp_path / "mix.wav"),
        simulated=True,
        samples=len(clean),
        background=str(tmp_path / "bgd.wav"),
        start=START,
        original=str(tmp_path / "org.wav"),
        output=str(tmp_path / "out/x.wav"),
    )


def test_the_reference_is_the_clean_part_to_the_last_bit(
    references, subtract, job, sounds
):
    found = references.make_reference(job, subtract.Limits())
    assert (found.source, found.path) == ("subtracted", job.output)
    assert found.figures.noise_gain == pytest.approx(1, abs=0.05)
    assert found.figures.shift == 0 and found.figures.clipped == 0
    assert found.figures.correlation > 0.95
    written, rate = soundfile.read(job.output, dtype="int16")
    assert rate == RATE
    assert np.array_equal(written, sounds[0])


@pytest.mark.parametrize("offset", [-3, -1, 1, 2])
def test_a_segment_a_few_samples_off_is_put_right_and_told(
    references, subtract, job, sounds, offset
):
    shifted = dataclasses.replace(job, start=START + offset, samples=job.samples + 1)
    found = references.make_reference(shifted, subtract.Limits())
    assert found.source == "subtracted" and found.figures.shift == -offset
    written, _ = soundfile.read(job.output, dtype="int16")
    assert np.array_equal(written, sounds[0])


@pytest.mark.parametrize("offset", [-4, 4])
def test_a_segment_further_off_is_noticed(references, subtract, job, offset):
    shifted = dataclasses.replace(job, start=START + offset)
    found = references.make_reference(shifted, subtract.Limits(noise_gain_error=9))
    assert found.source == "none" and not found.path
    assert f"the background fits better {-offset} samples away" in found.reason


def test_another_segment_is_noticed_by_its_gain(references, subtract, job):
    other = dataclasses.replace(job, start=20000)
    found = references.make_reference(other, subtract.Limits())
    assert found.source == "none"
    assert "is in it with gain" in found.reason


def test_a_scaled_background_is_noticed(subtract, sounds):
    clean, noise = sounds
    padded = noise[START - subtract.MARGIN : START + len(clean) + subtract.MARGIN]
    mixture = clean + np.round(0.5 * noise[START : START + len(clean)]).astype(np.int32)
    _, figures = subtract.measure(mixture, padded, None)
    assert figures.noise_gain == pytest.approx(0.5, abs=0.05)
    assert np.isnan(figures.correlation)  # unknown, so no objection
    assert "gain 0.5" in subtract.objection(figures, len(clean), subtract.Limits())


def test_another_sentence_is_noticed_by_the_original(
    references, subtract, job, tmp_path
):
    other = speech(np.random.default_rng(9), job.samples)
    write_wav(tmp_path / "org.wav", other)
    found = references.make_reference(job, subtract.Limits())
    assert found.source == "none"
    assert "its level follows the original's" in found.reason


def test_clipping_is_counted_and_too_much_of_it_refused(subtract, sounds):
    clean, noise = 20 * sounds[0], sounds[1][: len(sounds[0]) + 2 * 4]
    exact = clean + noise[4:-4]
    mixture = np.clip(exact, -32768, 32767)
    _, figures = subtract.measure(mixture, noise, None)
    at_limit = np.abs(mixture) >= 32767
    beyond = np.abs(mixture - noise[4:-4]) > 32767
    assert figures.clipped == np.sum(at_limit | beyond) > 100
    figures = dataclasses.replace(figures, noise_gain=1.0, shift=0)
    assert "samples are clipped" in subtract.objection(
        figures, len(clean), subtract.Limits()
    )
    assert not subtract.objection(figures, len(clean), subtract.Limits(max_clipped=1))


def test_a_silent_background_proves_nothing(subtract, sounds):
    clean = sounds[0]
    silence = np.zeros(len(clean) + 2 * subtract.MARGIN, np.int32)
    _, figures = subtract.measure(clean, silence, None)
    assert subtract.objection(figures, len(clean), subtract.Limits())


@pytest.mark.parametrize(("start", "end"), [(2, 0), (0, 0), (0, 3), (100, 0)])
def test_a_segment_at_the_edge_of_the_recording(subtract, tmp_path, start, end):
    noise = np.arange(1, 201, dtype=np.int32)
    write_wav(tmp_path / "bgd.wav", noise)
    padded = subtract.read_background(tmp_path / "bgd.wav", start, 200 - end)
    margin = np.zeros(subtract.MARGIN, np.int32)
    whole = np.concatenate([margin, noise, margin])
    assert np.array_equal(padded, whole[start : 200 - end + 2 * subtract.MARGIN])


@pytest.mark.parametrize(
    ("damage", "source", "message"),
    [
        ({"samples": 15990}, "none", "mixture has 16000 samples, its background 15990"),
        ({"samples": 20000}, "short", "has 16000 samples, annotated are 20000"),
        ({"start": 40000}, "none", "bgd.wav has 48000 samples, wanted are 39996 to"),
        ({"background": "no.wav"}, "none", "no.wav is missing"),
        ({"mixture": "no.wav"}, "unreadable", "no.wav is missing"),
    ],
)
def test_what_cannot_be_done_is_said(
    references, subtract, job, damage, source, message
):
    found = references.make_reference(
        dataclasses.replace(job, **damage), subtract.Limits()
    )
    assert found.source == source
    assert message in found.reason


def test_another_rate_or_format_is_refused(references, subtract, job):
    samples, _ = soundfile.read(job.mixture)
    for rate, subtype in ((8000, "PCM_16"), (RATE, "FLOAT")):
        soundfile.write(job.mixture, samples, rate, subtype=subtype)
        found = references.make_reference(job, subtract.Limits())
        assert found.source == "unreadable"
        assert "want 16000 Hz, 1 channel, PCM_16" in found.reason


def test_isolated_ext_comes_first_if_it_adds_up(references, subtract, job, sounds):
    clean, noise = sounds
    stem = job.mixture.replace("mix.wav", "ext/x")
    job = dataclasses.replace(job, ext=stem)
    found = references.make_reference(job, subtract.Limits())
    assert found.source == "subtracted" and "Clean.wav is missing" in found.reason
    write_wav(job_path(stem, "Noise"), noise[START : START + len(clean)])
    write_wav(job_path(stem, "Clean"), clean + 2)  # rounding
    found = references.make_reference(job, subtract.Limits())
    assert (found.source, found.path) == ("isolated_ext", f"{stem}.Clean.wav")
    write_wav(job_path(stem, "Clean"), clean + 3)
    found = references.make_reference(job, subtract.Limits())
    assert found.source == "subtracted"
    assert "differs from the mixture by 3 steps" in found.reason


def job_path(stem: str, part: str) -> Path:
    return Path(f"{stem}.{part}.wav")


def test_work_that_is_done_is_not_done_again(pool, subtract, job, tmp_path):
    limits, log = subtract.Limits(), tmp_path / "done.jsonl"
    first = pool.make_references([job], limits, log, 1)
    assert first["x"].source == "subtracted"
    with log.open("a") as file:
        file.write('["broken off')  # as when a run is killed
    file = tmp_path / "out/x.wav"
    before = file.stat().st_mtime_ns
    second = pool.make_references([job], limits, log, 1)
    assert second == first
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("change", ["limits", "job", "mixture", "output", "cut"])
def test_work_is_done_again_when_something_changed(
    pool, subtract, job, tmp_path, change
):
    limits, log = subtract.Limits(), tmp_path / "done.jsonl"
    pool.make_references([job], limits, log, 1)
    output = tmp_path / "out/x.wav"
    if change == "limits":
        limits = subtract.Limits(max_clipped=0.5)
    elif change == "job":
        job = dataclasses.replace(job, original="")
    elif change == "mixture":
        samples, _ = soundfile.read(job.mixture, dtype="int16")
        write_wav(tmp_path / "mix.wav", samples)
    elif change == "output":
        output.unlink()
    else:
        output.write_bytes(output.read_bytes()[:-2])
    prints = {"x": pool.fingerprint(job, limits)}
    assert pool.read_log(log, prints) == {}
    again = pool.make_references([job], limits, log, 1)
    assert again["x"].source == "subtracted" and output.exists()
    assert str(pool.read_log(log, prints)) == str(again)  # nan is not itself


def test_two_processes_give_what_one_gives(pool, subtract, job, tmp_path):
    jobs = [
        dataclasses.replace(job, key=f"x{i}", output=str(tmp_path / f"out/x{i}.wav"))
        for i in range(3)
    ]
    one = pool.make_references(jobs, subtract.Limits(), tmp_path / "1.jsonl", 1)
    two = pool.make_references(jobs, subtract.Limits(), tmp_path / "2.jsonl", 2)
    assert one == two
