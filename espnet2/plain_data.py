"""Files of others read as plain data: tensors, numbers, text; never a program.

A checkpoint is a pickle, which can run any program when it is read, and upstream reads
checkpoints with ``weights_only=False``.
"""

import contextlib
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import yaml

# Read by torch.load; 0 lets pickles of others in, which may run any code.
PLAIN_LOADING = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
AVERAGED_MODEL = "valid.acc.ave.pth"  # of an experiment, unless another one is named


def read_mapping(path: Path, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> dict:
    """Return a YAML file's mapping, read without Python objects.

    Raises:
        ValueError: there is none; the message goes behind the file's name.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise ValueError("holds no keys; expected 'key: value' lines")
    return content


def read_yaml(path: Path) -> dict:
    """Return ``read_mapping`` of a file, which an error names."""
    try:
        return read_mapping(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_weights(path: Path) -> dict:
    """Return a checkpoint's tensors by name, read without running anything in it."""
    import torch  # slow: who reads a config only does without it

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path}: holds more than tensors, so that reading it could run any "
            f"program; not read ({str(error).splitlines()[0]})"
        ) from None
    except (OSError, EOFError, RuntimeError) as error:
        raise ValueError(f"{path}: is damaged or no checkpoint: {error}") from None
    tensors = isinstance(state, dict) and all(map(torch.is_tensor, state.values()))
    if not tensors or not state:
        raise ValueError(f"{path}: is no model's parameters; expected {AVERAGED_MODEL}")
    return state


@contextlib.contextmanager
def plain_loading() -> Iterator[None]:
    """Let every ``torch.load`` in here refuse what is not plain weights.

    The environment variable overrides the ``weights_only=False`` of a caller.
    """
    with mock.patch.dict(os.environ, {PLAIN_LOADING: "1"}):
        os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
        yield
