"""Checkpoints that survive a crash while they are written, and a damaged disk."""

import logging
import os

import pytest
import torch
from test_trainer_gradient_remedy import parameters, run

from espnet2.interruptible.checkpoints import is_whole, whole_checkpoint, whole_saving


class Unsavable:
    """Fails in the middle of a write, as a full disk does."""

    def __reduce__(self):
        raise OSError(28, "No space left on device")


def damage(path) -> None:
    """Overwrite some bytes in the middle; the length stays."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64 * [255])
    path.write_bytes(content)


def test_a_write_that_fails_leaves_the_old_file_whole_and_nothing_beside(tmp_path):
    path = tmp_path / "checkpoint.pth"
    with whole_saving():
        torch.save({"step": 1}, path)
        with pytest.raises(OSError, match="No space left"):
            torch.save({"weights": torch.ones(10**5), "bad": Unsavable()}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pth"]


def test_the_previous_checkpoint_is_kept_and_other_files_have_none(tmp_path):
    with whole_saving():
        for step in (1, 2, 3):
            torch.save(step, tmp_path / "checkpoint.pth")
            torch.save(step, str(tmp_path / "1epoch.pth"))
    found = {p.name: torch.load(p, weights_only=True) for p in tmp_path.iterdir()}
    assert found == {
        "checkpoint.pth": 3,
        "checkpoint.previous.pth": 2,
        "1epoch.pth": 3,
    }


def test_saving_is_upstreams_again_afterwards(tmp_path):
    original = torch.save
    with whole_saving():
        assert torch.save is not original
        with (tmp_path / "file").open("wb") as file:
            torch.save(5, file)
    assert torch.save is original
    assert torch.load(tmp_path / "file", weights_only=True) == 5


def test_damage_is_seen_wherever_it_is(tmp_path):
    path = tmp_path / "checkpoint.pth"
    torch.save(torch.ones(1000), path)
    assert is_whole(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert not is_whole(path)
    path.write_bytes(content)
    damage(path)
    assert not is_whole(path)
    path.write_bytes(b"")
    assert not is_whole(path)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["damaged", "cut off"])
def test_a_damaged_checkpoint_gives_way_to_the_previous_one(tmp_path, caplog, fault):
    caplog.set_level(logging.WARNING)
    straight = run(tmp_path / "straight", 3)
    run(tmp_path / "resumed", 2)
    path = tmp_path / "resumed" / "checkpoint.pth"
    if fault == "damaged":
        damage(path)
    else:
        path.write_bytes(path.read_bytes()[:1000])
    resumed = run(tmp_path / "resumed", 3)
    assert "checkpoint.pth is damaged: going on from" in caplog.text
    for name, value in parameters(straight).items():
        assert torch.equal(parameters(resumed)[name], value), name


def test_two_damaged_checkpoints_are_an_error_that_says_what_to_do(tmp_path):
    for name in ("checkpoint.pth", "checkpoint.previous.pth"):
        (tmp_path / name).write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match="remove it to train from the beginning"):
        whole_checkpoint(tmp_path / "checkpoint.pth")


@pytest.mark.slow
def test_a_model_that_was_not_written_any_more_is_made_up_for(tmp_path):
    """Killed between checkpoint and model, upstream later lacks it for the average."""
    run(tmp_path, 2)
    model = tmp_path / "2epoch.pth"
    expected = torch.load(model, weights_only=True)
    model.unlink()
    run(tmp_path, 2)
    found = torch.load(model, weights_only=True)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.slow
def test_what_comes_after_that_model_is_made_up_for_too(tmp_path):
    """The links stayed at the epoch before, and a model too many was left."""
    run(tmp_path, 3)
    assert not (tmp_path / "1epoch.pth").exists()
    names = ("latest.pth", "train.loss.best.pth")
    before = [(tmp_path / name).readlink() for name in names]
    assert [str(target) for target in before] == ["3epoch.pth", "3epoch.pth"]
    (tmp_path / "3epoch.pth").rename(tmp_path / "1epoch.pth")
    for name in names:
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("2epoch.pth")
    run(tmp_path, 3)
    assert [(tmp_path / name).readlink() for name in names] == before
    assert not (tmp_path / "1epoch.pth").exists()
    assert (tmp_path / "3epoch.pth").exists()


@pytest.mark.slow
@pytest.mark.parametrize("patience", [None, 0])
def test_the_same_command_changes_nothing_of_a_training_that_has_ended(
    tmp_path, patience
):
    """After an early stop, upstream trains one more epoch each time."""
    changes = {} if patience is None else {"patience": patience}
    criterion = ["train", "loss", "max"]  # which the first epoch is the best by

    def ended() -> dict[str, int]:
        run(tmp_path, 3, early_stopping_criterion=criterion, **changes)
        files = [p for p in tmp_path.rglob("*") if p.suffix == ".pth"]
        return {p.name: p.lstat().st_mtime_ns for p in files}

    first = ended()
    assert ("3epoch.pth" in first) == (patience is None)
    assert ended() == first
    (tmp_path / "train.loss.ave.pth").unlink()  # killed before the average
    assert ended().keys() == first.keys()


def test_without_hard_links_the_previous_checkpoint_is_a_copy(tmp_path, monkeypatch):
    """Some network file systems have none: training died at its second checkpoint."""

    def link(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with whole_saving():
        for step in (1, 2):
            torch.save(step, tmp_path / "checkpoint.pth")
    assert torch.load(tmp_path / "checkpoint.previous.pth", weights_only=True) == 1


@pytest.mark.slow
def test_the_average_by_a_second_criterion_is_right(tmp_path):
    """Upstream adds up in the first model it loads, and takes that for the second."""
    criteria = [["train", "loss", "min"], ["valid", "loss", "max"]]
    run(tmp_path, 3, best_model_criterion=criteria, keep_nbest_models=[2, 3])
    models = {
        epoch: torch.load(tmp_path / f"{epoch}epoch.pth", weights_only=True)
        for epoch in (1, 2, 3)
    }
    for name in ("train.loss.ave.pth", "valid.loss.ave.pth"):
        assert str((tmp_path / name).readlink()).endswith("ave_3best.pth")
        average = torch.load(tmp_path / name, weights_only=True)
        for key, value in average.items():
            mean = sum(model[key] for model in models.values()) / 3
            torch.testing.assert_close(value, mean, rtol=1e-12, atol=1e-12)
