"""The toy corpus as a whole: pairs, splits, Kaldi folders, repeatability."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2.data_dir.tables import DataError
from espnet2.radio import building, pairs, utterance
from espnet2.radio.signal_figures import energy_above, peak_correlation

LOCAL = "egs2/mini_radio/asr_with_enhancement/local"
ROOT = Path(__file__).resolve().parent.parent
SIZES = {"train": 6, "valid": 3, "test": 5}


def arguments(folder, *options):
    """Arguments of a small corpus in ``folder``; ``options`` come last and win."""
    paths = ["--corpus_dir", str(folder / "corpus"), "--data_dir", str(folder / "data")]
    return [*paths, *(f"--num_{name}={n}" for name, n in SIZES.items()), *options]


def make(folder, *options):
    command = [sys.executable, str(ROOT / LOCAL / "make_mini_radio.py")]
    command += arguments(folder, *options)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=env)


def audio_hashes(folder):
    files = sorted((folder / "corpus").rglob("*.wav"))
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def read_table(path):
    lines = path.read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A small corpus, made once with two processes."""
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed")
    folder = tmp_path_factory.mktemp("mini radio")  # a path with a space
    done = make(folder, "--nj", "2")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copy_of(corpus, tmp_path):
    """A finished corpus that a test may spoil."""
    shutil.copytree(corpus, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def make_here(import_script):
    """The script's work in this process: raises what the script would say."""
    script = import_script(f"{LOCAL}/make_mini_radio.py")
    return lambda *args: script.main(list(args))


@pytest.fixture
def planning(import_script):
    return import_script(f"{LOCAL}/plan_corpus.py")


@pytest.mark.slow
def test_one_process_gives_the_same_bytes_as_two(corpus, tmp_path):
    assert make(tmp_path, "--nj", "1").returncode == 0
    hashes = audio_hashes(tmp_path)
    assert len(hashes) == 2 * sum(SIZES.values())
    assert hashes == audio_hashes(corpus)


@pytest.mark.slow
def test_another_seed_gives_other_sentences_and_audio(corpus, tmp_path):
    assert make(tmp_path, "--seed", "1").returncode == 0
    assert not set(audio_hashes(tmp_path).values()) & set(audio_hashes(corpus).values())
    texts = [set(read_table(d / "data/test/text").values()) for d in (tmp_path, corpus)]
    assert not texts[0] & texts[1]


@pytest.mark.slow
def test_the_test_set_does_not_depend_on_the_size_of_the_others(corpus, tmp_path):
    assert make(tmp_path, "--num_train", "2").returncode == 0
    small, large = audio_hashes(tmp_path), audio_hashes(corpus)
    names = {name for name in large if name.startswith("corpus/test/")}
    assert len(names) == 2 * SIZES["test"]
    assert {n: small[n] for n in names} == {n: large[n] for n in names}


def test_splits_share_no_voice_and_no_sentence(planning):
    counts = {"train": 3200, "valid": 200, "test": 400}
    plan = planning.plan_corpus(counts, 2302)
    said = [utterance for voice in plan for utterance in voice]
    assert len({utterance.text for utterance in said}) == 3800
    assert len({utterance.utt_id for utterance in said}) == 3800
    voices = [set(names) for names in planning.VOICES.values()]
    assert sum(map(len, voices)) == len(set.union(*voices))
    for name, count in counts.items():
        own = [u for u in said if u.set_name == name]
        assert len(own) == count
        assert {u.voice for u in own} == set(planning.VOICES[name])


def test_each_job_is_one_voice(planning):
    plan = planning.plan_corpus({"train": 90, "valid": 2, "test": 5}, 0)
    voices = [{utterance.voice for utterance in job} for job in plan]
    assert all(len(names) == 1 for names in voices)
    assert len(set.union(*voices)) == len(plan)


def test_ids_do_not_look_like_upstreams_categories(planning):
    plan = planning.plan_corpus({"train": 90, "valid": 9, "test": 9}, 0)
    for said in (said for voice in plan for said in voice):
        assert said.voice.isalnum()
        assert said.utt_id.startswith(f"{said.voice}-{said.set_name}-")
        assert not said.utt_id.endswith(("REAL", "CLEAN"))


@pytest.mark.parametrize("set_name", list(SIZES))
def test_data_folders_are_sorted_and_agree(corpus, set_name):
    folder = corpus / "data" / set_name
    tables = {path.name: read_table(path) for path in folder.iterdir()}
    by_speaker = tables.pop("spk2utt")
    assert set(tables) == {
        *("wav.scp", "spk1.scp", "text", "text_spk1", "utt2spk", "utt2cnr")
    }
    ids = list(tables["text"])
    assert len(ids) == SIZES[set_name]
    assert ids == sorted(ids, key=str.encode)
    assert all(list(table) == ids for table in tables.values())
    speakers = list(tables["utt2spk"].values())
    assert speakers == sorted(speakers, key=str.encode)
    assert list(by_speaker) == sorted(set(speakers), key=str.encode)
    spoken = {u: voice for voice, utts in by_speaker.items() for u in utts.split()}
    assert spoken == tables["utt2spk"]
    assert tables["text"] == tables["text_spk1"]
    assert all(6.0 <= float(cnr) <= 14.0 for cnr in tables["utt2cnr"].values())


def test_audio_is_16_bit_8_khz_pairs_without_clipping(corpus):
    for set_name in SIZES:
        folder = corpus / "data" / set_name
        clean_files = read_table(folder / "spk1.scp")
        for utt_id, noisy_file in read_table(folder / "wav.scp").items():
            signals = []
            for path in (Path(noisy_file), Path(clean_files[utt_id])):
                assert path.is_absolute()
                info = soundfile.info(path)
                assert (info.samplerate, info.channels) == (8000, 1)
                assert info.subtype == "PCM_16"
                signals.append(soundfile.read(path)[0])
                assert 0.01 < np.abs(signals[-1]).max() < 0.96
            assert len(signals[0]) == len(signals[1])
            assert 1.5 <= len(signals[0]) / 8000 < 5.0


def test_speech_component_of_the_noisy_has_the_clean_level(corpus):
    for utt_id, clean_file in read_table(corpus / "data/test/spk1.scp").items():
        noisy_file = read_table(corpus / "data/test/wav.scp")[utt_id]
        clean, noisy = (soundfile.read(path)[0] for path in (clean_file, noisy_file))
        assert np.sum(noisy * clean) == pytest.approx(np.sum(clean**2), rel=1e-2)


def test_pairs_are_aligned_and_keep_to_the_band(corpus):
    for path in sorted((corpus / "corpus").glob("*/noisy/*.wav")):
        noisy = soundfile.read(path)[0]
        clean = soundfile.read(path.parents[1] / "clean" / path.name)[0]
        peak, lag = peak_correlation(clean, noisy)
        assert lag == 0
        assert 0.3 < peak < 1.0
        assert energy_above(noisy, 8000) < -60


def test_a_loud_pair_is_made_quieter_together(monkeypatch):
    monkeypatch.setattr(pairs, "CLEAN_RMS", 0.5)
    speech = np.random.default_rng(0).standard_normal(8000)
    clean, noisy = pairs.aligned_pair(speech, 3.0, 0.0, np.random.default_rng(1))
    peak = max(np.abs(clean).max(), np.abs(noisy).max())
    assert peak == pytest.approx(pairs.HIGHEST_PEAK)
    assert np.sum(noisy * clean) == pytest.approx(np.sum(clean**2))


def test_short_speech_gets_silence_to_the_shortest_length():
    padded = utterance._with_silence(np.ones(100), np.random.default_rng(0))
    assert len(padded) == utterance.SHORTEST * 8000
    assert np.sum(padded) == 100


@pytest.mark.slow
def test_a_finished_corpus_is_used_again(corpus):
    before = audio_hashes(corpus), (corpus / "corpus").stat().st_mtime_ns
    done = make(corpus)
    assert done.returncode == 0
    assert "used again" in done.stdout
    assert (audio_hashes(corpus), (corpus / "corpus").stat().st_mtime_ns) == before


@pytest.mark.slow
def test_other_options_make_the_corpus_anew(copy_of):
    before = audio_hashes(copy_of)
    done = make(copy_of, "--cnr_min", "10", "--cnr_max", "11")
    assert done.returncode == 0
    assert "used again" not in done.stdout
    assert audio_hashes(copy_of).keys() == before.keys()
    assert audio_hashes(copy_of) != before
    cnrs = read_table(copy_of / "data/train/utt2cnr").values()
    assert all(10 <= float(cnr) <= 11 for cnr in cnrs)


@pytest.mark.slow
def test_a_killed_corpus_is_not_taken_for_whole(corpus, tmp_path):
    partial = tmp_path / ".corpus.tmp" / "train"
    partial.mkdir(parents=True)
    (partial / "m1.jsonl").write_text('{"utt_id": "half')
    (partial / "stray.wav").write_bytes(b"")
    done = make(tmp_path)
    assert done.returncode == 0
    assert "used again" not in done.stdout
    assert audio_hashes(tmp_path) == audio_hashes(corpus)
    assert not (tmp_path / ".corpus.tmp").exists()


def test_a_voice_that_fails_leaves_the_old_corpus(import_script, tmp_path):
    speak = import_script(f"{LOCAL}/speak.py")
    old = tmp_path / "corpus"
    old.mkdir()
    (old / building.MARKER).write_text("{}")
    plan = [[utterance.Utterance("test", "nobody", 0, "ROGER OVER")]]
    conditions = utterance.Conditions(6, 14, 0, 15)
    with pytest.raises(DataError, match="voice nobody failed"):
        building.build_corpus({"seed": 0}, plan, speak.speak_as, conditions, 1, old)
    assert json.loads((old / building.MARKER).read_text()) == {}


@pytest.mark.parametrize("name", ["corpus", "data/train"])
def test_a_folder_of_someone_else_is_not_replaced(make_here, tmp_path, name):
    foreign = tmp_path / name
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="was not made here") as caught:
        make_here(*arguments(tmp_path))
    assert str(foreign) in str(caught.value)
    assert (foreign / "thesis.txt").read_text() == "mine"


def test_an_unknown_variant_is_an_error_that_names_it(import_script):
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed")
    speak = import_script(f"{LOCAL}/speak.py")
    with pytest.raises(speak.SpeechError, match="no voice variant 'm33'"):
        speak.check_variants(["m3", "m33"])


def test_all_voices_of_the_corpus_exist(import_script, planning):
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed")
    speak = import_script(f"{LOCAL}/speak.py")
    speak.check_variants([v for names in planning.VOICES.values() for v in names])


def test_a_missing_espeak_says_how_to_install_it(import_script, monkeypatch):
    speak = import_script(f"{LOCAL}/speak.py")
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(speak.SpeechError, match="pip install espeakng-loader"):
        speak.check_variants(["m3"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cnr_min", "9", "--cnr_max", "8"], "--cnr_min 9.0 must not be above"),
        (["--snr_min", "30"], "--snr_min 30.0 must not be above --snr_max 20.0"),
        (["--num_test", "0"], "--num_test 0 must be 1 to 99999"),
        (["--nj", "0"], "--nj 0 must be 1 to 1024"),
        (["--cnr_min", "-1"], "--cnr_min -1.0 must be 0 to 100"),
        (["--cnr_max", "nan"], "--cnr_max nan must be 0 to 100"),
        (["--seed", "-5"], "--seed -5 must be 0"),
    ],
)
def test_wrong_options_are_clear_errors(make_here, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        make_here(*arguments(tmp_path, *options))
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_an_error_is_one_line_and_exit_code_1(tmp_path):
    done = make(tmp_path, "--num_test", "0")
    assert done.returncode == 1
    assert done.stderr == (
        "make_mini_radio.py: error: --num_test 0 must be 1 to 99999\n"
    )


def test_the_marker_records_the_options(corpus):
    options = json.loads((corpus / "corpus/corpus.json").read_text())
    assert options["seed"] == 2302
    assert options["counts"] == SIZES
    assert (options["cnr_min"], options["cnr_max"]) == (6.0, 14.0)
