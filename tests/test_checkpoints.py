"""Checkpoints that survive a crash while they are written, and a damaged disk."""

import logging

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


def test_a_model_that_was_not_written_any_more_is_made_up_for(tmp_path):
    """Killed between checkpoint and model, upstream later lacks it for the average."""
    run(tmp_path, 2)
    model = tmp_path / "2epoch.pth"
    expected = torch.load(model, weights_only=True)
    model.unlink()
    run(tmp_path, 2)
    found = torch.load(model, weights_only=True)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
