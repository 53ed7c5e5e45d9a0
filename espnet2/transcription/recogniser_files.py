"""Find a trained model's files: in a folder, in a .zip, on a hub."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from espnet2.plain_data import AVERAGED_MODEL
from espnet2.transcription.model_files import ModelFiles, named_files, unpack_zip


@contextlib.contextmanager
def opened(
    model: str, weights: str = AVERAGED_MODEL, task: str = "asr"
) -> Iterator[tuple[ModelFiles, Path]]:
    """Give a model's files, and the folder in which its config names others.

    Args:
        model: as of ``take``; what is unpacked is removed in the end.
        weights: name of the parameters' file in an experiment folder.
        task: what a pack calls its model: asr, or enh_s2t for a joint one.

    Raises:
        ValueError: it is none of them, or not safe to read.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(model)
        if path.is_file():
            path = unpack_zip(path, Path(folder, "unpacked"))
        if path.is_dir():
            yield named_files(path, task, weights), path
        else:
            files = from_hub(model, task)
            yield files, files.config.parent


def from_hub(tag: str, task: str) -> ModelFiles:
    """Return the files of a model that ``espnet_model_zoo`` downloads."""
    try:
        from espnet_model_zoo.downloader import ModelDownloader
    except ImportError:
        raise ValueError(
            f"{tag}: there is no such file or folder; for a model of a hub install "
            "espnet_model_zoo"
        ) from None
    try:
        found = ModelDownloader().download_and_unpack(tag)
        model = found[f"{task}_train_config"], found[f"{task}_model_file"]
        lm = found.get("lm_train_config"), found.get("lm_file")
        return ModelFiles(*(path and Path(path) for path in (*model, *lm)))
    except Exception as error:  # whatever a download meets
        raise ValueError(
            f"{tag}: there is no such file or folder, and no such model on the hub: "
            f"{type(error).__name__}: {error}"
        ) from None


def describe(model: str, *more: str) -> str:
    """Return what was asked for and, of files, the time of the last change."""
    files = filter(Path.is_file, (Path(model), *Path(model).glob("*.pth")))
    return "\n".join(
        [model, *more, *sorted(f"{p} {p.stat().st_mtime_ns}" for p in files)]
    )
