"""One file of the corpus deleted or spoilt: told, or reported; never a wrong set."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_chime4 import FakeChime4, make_chime4

LOCAL = "egs2/chime4/asr_with_enhancement/local"
SETS = {
    "tr05_simu": "tr05_simu_noisy",
    "tr05_real": "tr05_real_noisy",
    **{f"{n}": f"{n}_isolated_1ch_track" for n in ("dt05_simu", "dt05_real")},
    **{f"{n}": f"{n}_isolated_1ch_track" for n in ("et05_simu", "et05_real")},
}
DAMAGES = 30


def table(folder: Path, name: str) -> dict[str, str]:
    lines = (folder / name).read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


@pytest.fixture(scope="module")
def trees(tmp_path_factory) -> list[FakeChime4]:
    """A tree without and one with isolated_ext."""
    folders = [tmp_path_factory.mktemp("tree") / "CHiME4" for _ in range(2)]
    return [make_chime4(f, ext=i == 1) for i, f in enumerate(folders)]


@pytest.fixture
def prepare(import_script):
    """Prepare a tree into a folder; any share of the training sets may lack."""
    script = import_script(f"{LOCAL}/prepare_chime4.py")

    def prepare(root: Path, out: Path) -> None:
        folders = ["--chime4", str(root), "--wsj0", str(root / "data/WSJ0")]
        folders += ["--data_dir", str(out), "--reference_dir", str(out / "references")]
        script.main([*folders, "--channels", "5", "--max_skipped", "1"])

    prepare.error = script.DataError
    return prepare


def damage(root: Path, seed: int) -> Path:
    """Delete or spoil one file of the tree; kind, folder, file drawn by the seed."""
    rng = np.random.default_rng(seed)
    kinds = ["annotations", "transcriptions", "audio", "audio", "WSJ0"]
    files = sorted(root.glob(f"data/{kinds[seed % 5]}/**/*.*"))
    files = [path for path in files if path.is_file()]
    folders = sorted({path.parent for path in files})
    folder = folders[rng.integers(len(folders))]
    inside = [path for path in files if path.parent == folder]
    path = inside[rng.integers(len(inside))]
    content = path.read_bytes()
    kind = rng.integers(4)
    if kind == 0:
        path.unlink()
    else:
        garbage = rng.integers(0, 256, 300, dtype=np.uint8).tobytes()
        path.write_bytes([b"", content[: len(content) // 2], garbage][kind - 1])
    return path


def plain(key: str) -> str:
    """The utterance without channel and category."""
    return key.split(".")[0].replace("_SIMU", "").removesuffix("_REAL")


def check_set(name: str, before: dict[str, str], out: Path) -> None:
    """All that differs from the undamaged set must stand in the report."""
    after = table(out / SETS[name], "text")
    skipped = (out / "report/skipped.tsv").read_text()
    measured = (out / "report/references.tsv").read_text().splitlines()
    demoted = {key.replace("_SIMU_REAL", "_SIMU"): key for key in after}
    assert len(after) <= len(before)
    for key, text in before.items():
        if key in after:
            assert after[key] == text
        elif key in demoted:
            assert after[demoted[key]] == text
            line = next(x for x in measured if x.startswith(f"{name}/{plain(key)}"))
            assert line.split("\t")[1] == "none" and line.split("\t")[-1], line
        else:
            assert f"{name}\t{plain(key)}" in skipped, f"{key} is gone in silence"


@pytest.mark.parametrize("seed", range(DAMAGES))
def test_one_damaged_file_is_told_or_its_utterance_reported(
    prepare, trees, tmp_path, seed
):
    fake = trees[seed % 2]
    good = fake.root.parent / "good"  # for all seeds
    if not good.exists():
        prepare(fake.root, good)
    shutil.copytree(fake.root, tmp_path / "CHiME4")
    path = damage(tmp_path / "CHiME4", seed)
    out = tmp_path / "data"
    try:
        prepare(tmp_path / "CHiME4", out)
    except prepare.error as error:
        assert path.name in str(error), f"{path}: {error}"
        return
    for name, folder in SETS.items():
        check_set(name, table(good / folder, "text"), out)
    for key, file in table(out / SETS["tr05_simu"], "spk1.scp").items():
        if key.endswith("CH5_SIMU"):
            written, _ = soundfile.read(file, dtype="int16")
            assert np.array_equal(written, fake.clean[key.removesuffix("_SIMU")])
