"""The data folders made of a whole fake tree, also of one with a damaged file."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_chime4 import FakeChime4, make_chime4

from espnet2.data_dir.audio import read_audio

LOCAL = "egs2/chime4/asr_with_enhancement/local"
SETS = {
    "tr05_simu": "tr05_simu_noisy",
    "tr05_real": "tr05_real_noisy",
    **{f"{n}": f"{n}_isolated_1ch_track" for n in ("dt05_simu", "dt05_real")},
    **{f"{n}": f"{n}_isolated_1ch_track" for n in ("et05_simu", "et05_real")},
}


def table(folder: Path, name: str) -> dict[str, str]:
    lines = (folder / name).read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


@pytest.fixture(scope="module")
def trees(tmp_path_factory) -> dict[bool, FakeChime4]:
    """A tree without and one with isolated_ext."""
    return {
        ext: make_chime4(tmp_path_factory.mktemp("a tree") / "CHiME4", ext=ext)
        for ext in (False, True)
    }


@pytest.fixture
def prepare(import_script, tmp_path):
    """Prepare a tree into ``tmp_path / name``, and return that folder."""
    script = import_script(f"{LOCAL}/prepare_chime4.py")

    def prepare(fake: FakeChime4, *options: str, channels="5", name="data") -> Path:
        folders = ["--chime4", str(fake.root), "--wsj0", str(fake.root / "data/WSJ0")]
        out = tmp_path / name
        folders += ["--data_dir", str(out), "--reference_dir", str(out / "references")]
        script.main([*folders, "--channels", *channels.split(), *options])
        return out

    prepare.error = script.DataError
    return prepare


def test_all_sets_with_text_category_and_speaker(prepare, trees):
    fake = trees[False]
    out = prepare(fake)
    for name, folder in SETS.items():
        texts = table(out / folder, "text")
        assert texts == table(out / folder, "text_spk1")
        kind = "SIMU" if name == "tr05_simu" else "REAL"
        ending = {"tr05_simu": ".CH5_SIMU", "tr05_real": ".CH5_REAL"}.get(name)
        ending = ending or ("_SIMU_REAL" if name.endswith("simu") else "_REAL")
        names = fake.utterances(name)
        wanted = {f"{u}{ending}": fake.texts[f"{name}/{u}"] for u in names}
        assert texts == wanted
        assert set(table(out / folder, "utt2category").values()) == {kind}
        for key, speaker in table(out / folder, "utt2spk").items():
            assert key.split("_")[0] == speaker
    assert (out / "nlsyms.txt").read_text() == "<NOISE>\n"


def test_references_are_the_clean_parts_and_else_the_noisy_file(prepare, trees):
    fake = trees[False]
    out = prepare(fake)
    references = table(out / SETS["tr05_simu"], "spk1.scp")
    for key, path in references.items():
        written, _ = soundfile.read(path, dtype="int16")
        assert np.array_equal(written, fake.clean[key.removesuffix("_SIMU")])
    for name in SETS.keys() - {"tr05_simu"}:
        folder = out / SETS[name]
        assert table(folder, "spk1.scp") == table(folder, "wav.scp")


def test_sets_are_joined_without_a_clash_of_names(prepare, trees):
    out = prepare(trees[False])
    for joined, parts in {
        "tr05_multi_noisy": ("tr05_simu", "tr05_real"),
        "dt05_multi_isolated_1ch_track": ("dt05_simu", "dt05_real"),
    }.items():
        for name in ("wav.scp", "spk1.scp", "text_spk1", "utt2spk", "utt2category"):
            merged = table(out / joined, name)
            tables = [table(out / SETS[part], name) for part in parts]
            assert merged == tables[0] | tables[1]
            assert len(merged) == sum(map(len, tables))


@pytest.mark.slow
def test_the_template_finds_the_folders_valid(prepare, trees, repo_root, repo_env):
    out = prepare(trees[False])
    utils = repo_root / "egs2/TEMPLATE/asr_with_enhancement/utils"
    for folder in (*SETS.values(), "tr05_multi_noisy", "dt05_multi_isolated_1ch_track"):
        command = [utils / "validate_data_dir.sh", out / folder]
        done = subprocess.run(command, env=repo_env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_every_channel_is_an_utterance(prepare, tmp_path):
    fake = make_chime4(tmp_path / "CHiME4", channels=range(1, 7))
    out = prepare(fake, channels="1 3 6")
    keys = table(out / SETS["tr05_simu"], "wav.scp")
    assert len(keys) == 3 * len(fake.utterances("tr05_simu"))
    assert {key.split(".")[1] for key in keys} == {"CH1_SIMU", "CH3_SIMU", "CH6_SIMU"}
    for key, path in table(out / SETS["tr05_simu"], "spk1.scp").items():
        written, _ = soundfile.read(path, dtype="int16")
        assert np.array_equal(written, fake.clean[key.removesuffix("_SIMU")])


def test_isolated_ext_gives_references_to_the_test_sets(prepare, trees):
    out = prepare(trees[True])
    for name in ("tr05_simu", "dt05_simu", "et05_simu"):
        references = table(out / SETS[name], "spk1.scp")
        assert all("isolated_ext" in path for path in references.values())
        assert set(table(out / SETS[name], "utt2category").values()) == {"SIMU"}
        assert all(key.endswith("_SIMU") for key in references)


def test_a_missing_list_of_channels_is_told_and_costs_the_references(
    prepare, trees, tmp_path
):
    shutil.copytree(trees[True].root, tmp_path / "CHiME4")
    fake = FakeChime4(tmp_path / "CHiME4")
    path = fake.root / "data/annotations/et05_simu_1ch_track.list"
    diff = tmp_path / "CHiME4_diff/CHiME3/data/annotations"
    diff.mkdir(parents=True)
    path.rename(tmp_path / path.name)
    out = prepare(fake)
    assert set(table(out / SETS["et05_simu"], "utt2category").values()) == {"REAL"}
    assert set(table(out / SETS["dt05_simu"], "utt2category").values()) == {"SIMU"}
    summary = (out / "report/summary.md").read_text()
    assert "et05_simu_1ch_track.list is missing" in summary
    assert "--extra_annotations" in summary
    out = prepare(fake, "--extra_annotations", str(tmp_path), name="named")
    assert set(table(out / SETS["et05_simu"], "utt2category").values()) == {"SIMU"}
    (tmp_path / path.name).rename(diff / path.name)  # as it is unpacked
    out = prepare(fake, name="beside")
    assert set(table(out / SETS["et05_simu"], "utt2category").values()) == {"SIMU"}


def test_too_many_broken_training_files_stop_the_work(prepare, trees, tmp_path):
    shutil.copytree(trees[False].root, tmp_path / "CHiME4")
    fake = FakeChime4(tmp_path / "CHiME4")
    (fake.audio / "isolated/tr05_bus_simu/011_011C0201_BUS.CH5.wav").unlink()
    with pytest.raises(prepare.error, match="tr05_simu: 1 of 4 utterances") as error:
        prepare(fake, "--max_skipped", "0.2")
    assert "011_011C0201_BUS.CH5: " in str(error.value)
    assert not (tmp_path / "data/tr05_simu_noisy").exists()
    prepare(fake, "--max_skipped", "0.3")


def test_times_that_hold_of_no_file_are_noted_not_believed(prepare, trees, tmp_path):
    shutil.copytree(trees[False].root, tmp_path / "CHiME4")
    path = tmp_path / "CHiME4/data/annotations/dt05_real.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([{**e, "end": e["end"] + 1} for e in entries]))
    out = prepare(FakeChime4(tmp_path / "CHiME4"))
    assert len(table(out / SETS["dt05_real"], "text")) == len(entries)
    assert (
        "2 files are shorter than annotated" in (out / "report/summary.md").read_text()
    )


def test_a_folder_of_other_making_is_not_replaced(prepare, trees, tmp_path):
    (tmp_path / "data/tr05_simu_noisy").mkdir(parents=True)
    (tmp_path / "data/tr05_simu_noisy/mine").touch()
    with pytest.raises(prepare.error, match="was not made here"):
        prepare(trees[False])
    assert (tmp_path / "data/tr05_simu_noisy/mine").exists()


def test_a_second_run_gives_the_same(prepare, trees):
    def tables(out):
        names = ("wav.scp", "spk1.scp", "text", "utt2category")
        folders = SETS.values()
        return [(out / f / n).read_text() for f in folders for n in names]

    out = prepare(trees[False])
    first = tables(out), (out / "report/references.tsv").read_text()
    out = prepare(trees[False])
    assert (tables(out), (out / "report/references.tsv").read_text()) == first


def test_missing_folders_are_told_all_at_once(prepare, tmp_path):
    (tmp_path / "CHiME4/data/annotations").mkdir(parents=True)
    with pytest.raises(prepare.error) as error:
        prepare(FakeChime4(tmp_path / "CHiME4"))
    lines = str(error.value).splitlines()
    assert len(lines) == 1 + 5 and "isolated_1ch_track" in str(lines)


def test_the_6_channel_track_has_all_channels_and_the_reference_of_one(
    prepare, tmp_path, monkeypatch, repo_root
):
    fake = make_chime4(tmp_path / "CHiME4", sentences=1, channels=(4, 5, 6))
    out = prepare(fake, "--track", "6ch", channels="4 5 6")
    folder = out / "tr05_simu_isolated_6ch_track"
    (key,) = [key for key in table(folder, "wav.scp") if key.startswith("011")]
    assert key == "011_011C0201_BUS_SIMU"
    monkeypatch.setenv("PYTHONPATH", str(repo_root))
    merged, _ = read_audio(table(folder, "wav.scp")[key], "all")
    for number, channel in enumerate((4, 5, 6)):
        name = f"isolated/tr05_bus_simu/011_011C0201_BUS.CH{channel}.wav"
        assert np.array_equal(merged[:, number], soundfile.read(fake.audio / name)[0])
    clean, _ = soundfile.read(table(folder, "spk1.scp")[key], dtype="int16")
    assert np.array_equal(clean, fake.clean["011_011C0201_BUS.CH5"])
    for name in (*("dt05_multi", "tr05_multi"), *list(SETS)[2:]):
        assert (out / f"{name}_isolated_6ch_track/wav.scp").exists()
    assert "6-channel track" in (out / "report_6ch/summary.md").read_text()
    with pytest.raises(prepare.error, match="channel 5, which must be among them"):
        prepare(fake, "--track", "6ch", channels="1 2", name="none")
    (fake.audio / "isolated/et05_bus_real/F01_22GC0100_BUS.CH6.wav").unlink()
    with pytest.raises(prepare.error, match="(?s)et05_real: 1 of 1.*CH6.wav is miss"):
        prepare(fake, "--track", "6ch", channels="4 5 6", name="lacking")
