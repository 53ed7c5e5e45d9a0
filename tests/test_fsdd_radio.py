"""Strings of recorded digits: sets, texts, sound, repeatability, bad recordings."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2.data_dir.tables import DataError, read_table

RECIPE = "egs2/fsdd_radio/asr_with_enhancement"
LOCAL = f"{RECIPE}/local"
SIZES = {"train": 8, "valid": 4, "test": 6}
WORDS = "ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE".split()
PEOPLE = ("anna", "ben", "carl")
INDICES = (0, 4, 5, 9, 10, 49)


def frequency(digit):
    """Hz of the tone that stands for a digit."""
    return 500 + 250 * digit


@pytest.fixture(scope="module")
def fsdd(tmp_path_factory):
    """A dataset of tones, 0.15 s each, of three people of different loudness."""
    folder = tmp_path_factory.mktemp("spoken digits")
    time = np.arange(1200) / 8000
    (folder / "recordings").mkdir()
    for person, level in zip(PEOPLE, (0.5, 0.1, 0.01), strict=True):
        for digit in range(10):
            for index in INDICES:
                tone = level * np.sin(2 * np.pi * frequency(digit) * time + index)
                path = folder / "recordings" / f"{digit}_{person}_{index}.wav"
                soundfile.write(path, tone, 8000)
    return folder


@pytest.fixture
def script(import_script):
    return import_script(f"{LOCAL}/make_fsdd_radio.py")


@pytest.fixture
def strings(import_script):
    return import_script(f"{LOCAL}/digit_strings.py")


@pytest.fixture
def recordings(import_script):
    return import_script(f"{LOCAL}/recordings.py")


@pytest.fixture
def make(script, fsdd):
    """Make a small corpus in a folder; ``options`` come last and win."""

    def run(folder, *options):
        paths = ["--corpus_dir", f"{folder}/corpus", "--data_dir", f"{folder}/data"]
        sizes = [f"--num_{name}={n}" for name, n in SIZES.items()]
        script.main(["--fsdd", str(fsdd), *paths, *sizes, *options])
        return folder

    return run


def records(folder):
    """What was made, by set."""
    lists = sorted((folder / "corpus").glob("*/*.jsonl"))
    rows = [json.loads(row) for path in lists for row in path.read_text().splitlines()]
    return {name: [r for r in rows if r["set_name"] == name] for name in SIZES}


def audio(folder):
    files = sorted((folder / "corpus").rglob("*.wav"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def heard(path):
    """The digits of a clean file by their tones, which pauses part."""
    samples, rate = soundfile.read(path)
    frames = samples[: len(samples) // 80 * 80].reshape(-1, 80)
    loud = np.mean(frames**2, axis=1) > 0.05 * np.mean(frames**2, axis=1).max()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud, [0]]))).reshape(-1, 2)
    digits = []
    for start, end in edges * 80:
        spectrum = np.abs(np.fft.rfft(samples[start:end], 8000))
        digits.append(round((int(np.argmax(spectrum)) - 500) / 250))
    return digits


@pytest.mark.slow
@pytest.mark.parametrize("split", ["recording", "speaker"])
def test_no_recording_is_in_two_sets(make, tmp_path, split):
    made = records(make(tmp_path, "--split", split))
    used = [{name for r in rows for name in r["recordings"]} for rows in made.values()]
    assert sum(map(len, used)) == len(set.union(*used))
    people = [{r["voice"] for r in rows} for rows in made.values()]
    indices = [{int(name.split("_")[2]) for name in names} for names in used]
    if split == "recording":
        assert people == [set(PEOPLE)] * 3
        assert indices == [{10, 49}, {5, 9}, {0, 4}]
    else:
        assert people == [{"carl"}, {"ben"}, {"anna"}]
        assert len(indices[0]) > 2


@pytest.mark.slow
def test_the_text_is_what_is_heard(make, tmp_path):
    made = records(make(tmp_path))
    for name, rows in made.items():
        folder = tmp_path / "data" / name
        texts, speakers = read_table(folder / "text"), read_table(folder / "utt2spk")
        clean = read_table(folder / "spk1.scp")
        assert len(rows) == len(texts) == SIZES[name]
        for row in rows:
            key, digits = row["utt_id"], [n.split("_") for n in row["recordings"]]
            assert 3 <= len(digits) <= 7
            assert {person for _, person, _ in digits} == {speakers[key]}
            assert key.startswith(f"{speakers[key]}-")
            assert texts[key].split() == [WORDS[int(digit)] for digit, *_ in digits]
            assert texts[key].split() == [WORDS[n] for n in heard(clean[key])]


def test_lengths_digits_and_speakers_are_drawn_evenly(recordings, strings):
    pool = {
        person: {d: [recordings.Recording(d, person, 0)] for d in range(10)}
        for person in PEOPLE
    }
    (said, *others) = strings.plan_strings({"test": pool}, {"test": 3000}, 0)
    assert len(said) == 1000 and len(others) == 2
    lengths = np.bincount([len(string.recordings) for string in said], minlength=8)
    assert not lengths[:3].any() and len(lengths) == 8
    assert lengths[3:].min() > 150 and lengths[3:].max() < 250
    words = [word for string in said for word in string.text.split()]
    assert all(400 < words.count(word) < 600 for word in WORDS)


@pytest.mark.slow
def test_same_seed_same_bytes_with_one_process_or_two(make, tmp_path):
    one = audio(make(tmp_path / "one", "--nj", "1"))
    assert len(one) == 2 * sum(SIZES.values())
    assert one == audio(make(tmp_path / "two", "--nj", "2"))
    other = audio(make(tmp_path / "other", "--seed", "1"))
    assert other.keys() == one.keys() and not set(other.values()) & set(one.values())


@pytest.mark.slow
def test_another_link_sends_the_same_recordings(make, tmp_path):
    """A recogniser of clean speech and the SE module learn from the same strings."""
    clear = ["--cnr_min=40", "--cnr_max=40", "--snr_min=60", "--snr_max=60"]
    noisy = make(tmp_path / "noisy", "--cnr_min=3", "--cnr_max=9")
    clear = make(tmp_path / "clear", *clear)
    rats = make(tmp_path / "rats", "--reference", "rats")
    kept = ("utt_id", "text", "recordings", "samples")
    said = [
        [
            [row[key] for key in kept]
            for rows in records(folder).values()
            for row in rows
        ]
        for folder in (noisy, clear, rats)
    ]
    assert said[0] == said[1] == said[2]
    assert not set(audio(noisy).values()) & set(audio(rats).values())


@pytest.mark.slow
def test_a_finished_corpus_is_used_again_unless_a_recording_changes(
    make, fsdd, tmp_path, capsys, monkeypatch, script
):
    make(tmp_path)
    make(tmp_path)
    assert "used again" in capsys.readouterr().out
    make(tmp_path, "--reference", "rats")
    assert "used again" not in capsys.readouterr().out
    assert json.loads((tmp_path / "corpus/corpus.json").read_text())["reference"]
    monkeypatch.setattr(script, "digest", lambda recordings: "other")
    make(tmp_path, "--reference", "rats")
    assert "used again" not in capsys.readouterr().out


def test_silence_and_clicks_are_cut_off(strings):
    speech = np.random.default_rng(0).standard_normal(1600)
    noise = 1e-3 * np.random.default_rng(1).standard_normal(8000)
    recording = np.concatenate([noise[:800], speech, noise, speech[:80]])
    kept = strings.trim(recording)
    assert len(kept) == 1600 + 2 * 160
    assert np.array_equal(kept[160:-160], speech)
    assert kept[0] == kept[-1] == 0
    gap = np.concatenate([speech, noise[:1600], speech])  # as before the t of eight
    assert len(strings.trim(gap)) == len(gap)


def test_levels_come_near_their_median(strings):
    parts = [np.full(100, value) for value in (0.1, 0.01, 0.11, 0.1, 1.0)]
    levels = [20 * np.log10(part[0]) for part in strings.level(parts)]
    assert levels == pytest.approx([-20, -23, 20 * np.log10(0.11), -20, -17])


def spoilt(folder, name, samples=None, rate=8000):
    path = folder / name
    if samples is None:
        path.write_text("no sound")
    else:
        soundfile.write(path, samples, rate)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: [p.unlink() for p in f.iterdir()], "digits holds no recordings"),
        (lambda f: spoilt(f, "0_anna_0.wav"), "0_anna_0.wav is not readable audio"),
        (lambda f: spoilt(f, "0_anna_0.wav", np.zeros(0)), "0_anna_0.wav holds no"),
        (lambda f: spoilt(f, "0_anna_0.wav", np.zeros(9)), "0_anna_0.wav is silent"),
        (lambda f: spoilt(f, "0_anna_0.wav", np.ones(9), 16000), "wav has 16000 Hz"),
        (lambda f: spoilt(f, "zero_anna_0.wav", np.ones(9)), "zero_anna_0.wav is not"),
        (lambda f: [(f / f"7_ben_{i}.wav").unlink() for i in (5, 9)],
         "speaker ben has no recording 7_ben_<index>.wav for the valid set"),
    ],
)  # fmt: skip
def test_bad_recordings_are_named(make, fsdd, tmp_path, spoil, message):
    folder = tmp_path / "digits"  # without a folder called recordings
    folder.mkdir()
    for path in (fsdd / "recordings").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    spoil(folder)
    with pytest.raises(DataError, match=message) as caught:
        make(tmp_path, "--fsdd", str(folder))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_two_people_are_too_few_for_a_split_by_speaker(recordings):
    pair = [recordings.Recording(d, person, 0) for d in range(10) for person in "ab"]
    with pytest.raises(DataError, match="2 speakers cannot be split"):
        recordings.split_recordings(pair, "speaker")


@pytest.fixture
def recipe(repo_root, tmp_path):
    """A recipe folder of the test's own."""
    folder = tmp_path / "recipe"
    folder.mkdir()
    for name in ("local", "path.sh", "scripts", "utils"):
        (folder / name).symlink_to(repo_root / RECIPE / name)
    return folder


def data_sh(recipe, env, repository, *options):
    """Run local/data.sh where the dataset's address is another one's."""
    own = f"url.{repository}.insteadOf"
    address = "https://github.com/Jakobovski/free-spoken-digit-dataset"
    git = dict(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0=own, GIT_CONFIG_VALUE_0=address)
    sizes = [word for name in SIZES for word in (f"--num_{name}", "3")]
    command = ["local/data.sh", *sizes, *options]
    env = {**env, **git}
    return subprocess.run(command, cwd=recipe, env=env, capture_output=True, text=True)


def test_without_network_one_is_told_to_give_the_folder(recipe, repo_env):
    done = data_sh(recipe, repo_env, "/nowhere/at/all")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("could not be fetched: give --fsdd <folder>")
    assert not (recipe / "data").exists()


@pytest.mark.slow
def test_the_recordings_are_fetched_as_they_were_at_one_commit(
    recipe, fsdd, repo_env, tmp_path
):
    """A tag stands for the commit."""
    (tmp_path / "origin").mkdir()
    who = {
        f"GIT_{r}_{k}": "a" for r in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")
    }
    git = ["git", "-C", str(tmp_path / "origin")]
    for words in (
        ["init", "--quiet"],
        [f"--work-tree={fsdd}", "add", "recordings"],
        ["commit", "--quiet", "-m", "recordings"],
        ["tag", "26eb9aa"],
        ["rm", "--quiet", "-r", "--cached", "recordings"],
        ["commit", "--quiet", "-m", "no recordings"],
    ):
        subprocess.run([*git, *words], check=True, env={**os.environ, **who})
    done = data_sh(recipe, repo_env, tmp_path / "origin")
    assert done.returncode == 0, done.stderr
    assert len(list(recipe.glob("downloads/fsdd/recordings/*.wav"))) == 180
    assert Path(read_table(recipe / "data/test/wav.scp").popitem()[1]).is_file()
    done = data_sh(recipe, repo_env, "/nowhere", "--nj", "1")
    assert "used again" in done.stdout
