"""Checkpoints that survive a crash: written beside and renamed, the previous one kept.

Upstream writes ``checkpoint.pth`` in place, so that a crash or a full disk while it is
written leaves nothing to resume from.
"""

import contextlib
import logging
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import torch

CHECKPOINT = "checkpoint.pth"
PREVIOUS = "checkpoint.previous.pth"


@contextlib.contextmanager
def whole_saving() -> Iterator[None]:
    """Let every ``torch.save`` to a path write beside it and rename.

    A reader then finds the old file or the new one, never a part. Of ``checkpoint.pth``
    the old one stays as ``checkpoint.previous.pth``.
    """
    in_place = torch.save

    def save(obj: object, f: object, *args, **kwargs) -> None:
        if not isinstance(f, (str, os.PathLike)):
            in_place(obj, f, *args, **kwargs)
            return
        path = Path(f)
        beside = path.with_name(f"{path.name}.tmp")
        try:
            with beside.open("wb") as file:
                in_place(obj, file, *args, **kwargs)
                file.flush()
                os.fsync(file.fileno())
            if path.name == CHECKPOINT and path.exists():
                _keep(path)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    with mock.patch.object(torch, "save", save):
        yield


def _keep(checkpoint: Path) -> None:
    """Give the old checkpoint its second name; it has both until it is replaced."""
    second = checkpoint.with_name(f"{PREVIOUS}.tmp")
    second.unlink(missing_ok=True)
    try:
        os.link(checkpoint, second)
    except OSError:  # some network file systems have no hard links
        shutil.copyfile(checkpoint, second)
    second.replace(checkpoint.with_name(PREVIOUS))


def is_whole(path: Path) -> bool:
    """Tell whether a file that ``torch.save`` wrote is all there, by its checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # whatever the damaged bytes make the reader stumble over
        return False


def whole_checkpoint(checkpoint: Path) -> Path:
    """Return ``checkpoint`` or, if it is damaged, the one before it.

    Raises:
        ValueError: there is none that is whole; says what to do.
    """
    if is_whole(checkpoint):
        return checkpoint
    previous = checkpoint.with_name(PREVIOUS)
    if not is_whole(previous):
        raise ValueError(
            f"{checkpoint}: is damaged, and there is no whole {PREVIOUS} beside it; "
            "remove it to train from the beginning, or put a copy in its place"
        )
    logging.warning(f"{checkpoint} is damaged: going on from {previous}")
    return previous
