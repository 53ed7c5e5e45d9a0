"""Full disks, lost files, killed processes, NaN: told clearly, and made up for."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from small_recipe import Run, SmallRecipe

pytestmark = pytest.mark.slow

EXP = "exp/enh_asr_tiny"
TRAINING = "python3 -m espnet2.bin.gradient_remedy_train"
LONG = {"enh_asr_args": "--max_epoch 1000"}
SHORT = {"enh_asr_args": "--max_epoch 2"}


@pytest.fixture(scope="module")
def prepared(new_recipe, tmp_path_factory) -> SmallRecipe:
    """A recipe whose stages 3 to 10 are done."""
    recipe = new_recipe(tmp_path_factory.mktemp("prepared") / "recipe")
    recipe.make_data()
    recipe.succeed(3, 10)
    return recipe


@pytest.fixture
def recipe(prepared, new_recipe, tmp_path) -> SmallRecipe:
    """A copy of the prepared recipe."""
    recipe = new_recipe(tmp_path / "recipe")
    for name in ("data", "dump", "exp"):
        shutil.copytree(prepared.path(name), recipe.path(name))
    return recipe


def mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no small disk can be mounted: {done.stderr.strip()}")


@pytest.fixture
def disk(recipe) -> Iterator[Callable[[str], Path]]:
    """A function that mounts a disk with the options given, or mounts it anew."""
    folder = recipe.path("disk")
    folder.mkdir()

    def change(options: str) -> Path:
        if os.path.ismount(folder):
            mount("-o", f"remount,{options}", str(folder))
        else:
            mount("-t", "tmpfs", "-o", options, "tmpfs", str(folder))
        return folder

    yield change
    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_the_formatting(recipe, disk):
    disk("size=32k")
    assert "No space left on device" in recipe.fail(3, dumpdir="disk")
    assert "stage 3 makes it" in recipe.fail(4, dumpdir="disk")
    disk("size=50m")
    recipe.succeed(3, 4, dumpdir="disk")
    wanted = recipe.path("dump/raw/train/utt2num_samples").read_text()
    assert recipe.path("disk/raw/train/utt2num_samples").read_text() == wanted


def test_a_full_disk_stops_the_statistics(recipe, disk):
    disk("size=24k")
    options = {"enh_asr_stats_dir": "disk/stats"}
    assert "No space left on device" in recipe.fail(10, **options)
    assert "stage 10 makes it" in recipe.fail(11, **options)
    disk("size=50m")
    recipe.succeed(10, **options)
    name = "valid/text_spk1_shape.char"
    wanted = recipe.path(f"exp/enh_asr_stats_raw_char/{name}").read_text()
    assert recipe.path(f"disk/stats/{name}").read_text() == wanted


def test_a_full_disk_stops_the_training(recipe, disk):
    disk("size=300k")
    message = recipe.fail(11, enh_asr_exp="disk/model")
    assert "No space left on device" in message
    assert "training failed" in message.splitlines()[-1]
    disk("size=50m")
    recipe.succeed(11, enh_asr_exp="disk/model")


def test_a_read_only_disk_is_told(recipe, disk):
    disk("size=50m,ro")
    assert "Read-only file system" in recipe.fail(3, dumpdir="disk")
    assert "Read-only file system" in recipe.fail(11, enh_asr_exp="disk/model")
    disk("size=50m,rw")
    recipe.succeed(3, dumpdir="disk")


@pytest.mark.parametrize(
    ("stage", "folder", "named"),
    [
        (3, "dump/raw/org", "dump/raw/org/train"),
        (4, "dump/raw", "dump/raw/lm_"),
        (10, "exp", "exp/enh_asr_stats_raw_char"),
        (11, "exp", EXP),
    ],
)
def test_a_folder_that_may_not_be_written_is_named(recipe, stage, folder, named):
    """Root may write anywhere: without that right it is held to the modes as others."""
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("setpriv is not installed (Debian package util-linux)")
        recipe.prefix = ["setpriv", "--bounding-set=-dac_override"]
    recipe.path(folder).chmod(0o555)
    told = recipe.fail(stage)
    recipe.path(folder).chmod(0o755)
    assert named in told and "Permission denied" in told
    recipe.succeed(stage)


def test_audio_that_is_lost_before_training_is_named(recipe):
    key, path = recipe.path("dump/raw/train/wav.scp").read_text().split()[2:4]
    told = f"utterance {key} of dump/raw/train/wav.scp cannot be read: {path}"
    whole = recipe.path(path).read_bytes()
    recipe.path(path).unlink()
    assert told in recipe.fail(11).splitlines()[-1]
    recipe.path(path).write_bytes(whole[:2000])
    assert told in recipe.fail(11).splitlines()[-1]
    recipe.path(path).write_bytes(whole)
    recipe.succeed(11)


def begin(recipe: SmallRecipe) -> tuple[Run, int]:
    """Start a training; return it and its process once it has made a checkpoint."""
    recipe.path(f"{EXP}/mid_epoch.pth").unlink(missing_ok=True)
    run = recipe.start(11, **LONG)
    training = run.wait_for(TRAINING)
    deadline = time.monotonic() + 120
    while not recipe.path(f"{EXP}/mid_epoch.pth").exists():
        assert time.monotonic() < deadline and run.process.poll() is None
        time.sleep(0.02)
    return run, training


def test_audio_that_is_lost_during_training_is_named(recipe):
    key, path = recipe.path("dump/raw/train/wav.scp").read_text().split()[2:4]
    run, _ = begin(recipe)
    recipe.path(path).rename(recipe.path("away"))
    run.wait_for_end(120)
    assert run.process.returncode == 1
    told = f"utterance {key} of dump/raw/train/wav.scp cannot be read: {path}"
    assert told in run.log.read_text().splitlines()[-1]
    recipe.path("away").rename(recipe.path(path))
    assert "Resuming the training" in recipe.succeed(11, **SHORT)


def hit(recipe: SmallRecipe, number: int, loader: bool = False) -> tuple[int, str]:
    """Send a signal to a training, or to the processes that load its data.

    Returns:
        The exit code of the run and the last line that it printed.
    """
    run, training = begin(recipe)
    if loader:
        hit_loaders(training, number)
    else:
        os.kill(training, number)
    run.wait_for_end(120)
    return run.process.returncode, run.log.read_text().splitlines()[-1]


def hit_loaders(training: int, number: int) -> None:
    """Send a signal to each loader (every epoch has one) until the training ends.

    One that has loaded all its data is not missed.
    """
    children = Path(f"/proc/{training}/task/{training}/children")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            for pid in children.read_text().split():
                os.kill(int(pid), number)
            time.sleep(0.05)
        except ProcessLookupError:  # the loader has just ended
            continue
        except FileNotFoundError:
            return
    raise AssertionError("the training goes on though its loaders are killed")


def test_a_training_that_is_killed_or_stopped_says_so_and_goes_on(recipe):
    killed = "a process was killed, as Linux does where memory runs out"
    code, told = hit(recipe, signal.SIGKILL, loader=True)
    assert code == 1 and killed in told
    code, told = hit(recipe, signal.SIGKILL)
    assert code == 1 and killed in told
    code, told = hit(recipe, signal.SIGTERM)
    assert code == 75
    assert "was stopped by a signal; the same command goes on from there" in told
    assert "Resuming the training" in recipe.succeed(11, **SHORT)


def test_a_killed_job_of_an_array_is_named_with_its_log(recipe):
    run = recipe.start(10, nj="2")
    os.kill(run.wait_for(TRAINING), signal.SIGKILL)
    run.wait_for_end(120)
    assert run.process.returncode == 1
    told = run.log.read_text().splitlines()
    assert "of 2 jobs failed: exp/enh_asr_stats_raw_char/logdir/stats." in told[-1]
    assert "  (killed by signal 9: is memory too small?)" in told
    assert "stage 10 makes it" in recipe.fail(11)
    recipe.succeed(10, nj="2")


def test_a_step_with_nan_is_left_out_and_told(recipe):
    """One utterance's audio is NaN; batches with it are skipped, once an epoch."""
    table = recipe.path("dump/raw/train/wav.scp")
    lines = table.read_text().splitlines()
    key, path = lines[2].split()
    samples = soundfile.info(recipe.path(path)).frames
    no_sound = np.full(samples, np.nan, np.float32)
    soundfile.write(recipe.path("nan.wav"), no_sound, 8000, subtype="FLOAT")
    lines[2] = f"{key} nan.wav"
    table.write_text("".join(f"{line}\n" for line in lines))
    recipe.succeed(11)
    log = recipe.path(f"{EXP}/train.log").read_text()
    assert log.count("The grad norm is nan. Skipping updating the model.") == 2
    model = torch.load(recipe.path(f"{EXP}/valid.acc.ave.pth"), weights_only=True)
    assert all(torch.isfinite(value.float()).all() for value in model.values())
