"""The log of a training's gradient decisions, read back and put in a row."""

import zlib
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from espnet2.train.gradient_log import ANGLE_EDGES, FOLDER, STRETCH_EDGES

_BY_TENSOR = ("count", "cosine", "log_ratio", "conflict", "rescaled", "stretch")
_BINS = {"angle_counts": len(ANGLE_EDGES) - 1, "stretch_counts": len(STRETCH_EDGES) - 1}


class GradientHistory(NamedTuple):
    """A training's windows in a row; what they hold is said in ``GradientLog``.

    Attributes:
        names: (tensors,), in the order of the model's parameters.
        steps: (windows,), optimizer steps up to each window's end.
        count: (windows, tensors) decisions; the next four are sums over them.
        cosine: of the angle between the two gradients.
        log_ratio: log10 of |G_SE| / |G_ASR|.
        conflict: 1 where the angle is over 90 degrees.
        rescaled: 1 where the rescale acted.
        stretch: (windows, tensors), the largest factor on the ASR gradient.
        angle_counts: (windows, bins of ``ANGLE_EDGES``).
        stretch_counts: (windows, bins of ``STRETCH_EDGES``).
    """

    names: list[str]
    steps: np.ndarray
    count: np.ndarray
    cosine: np.ndarray
    log_ratio: np.ndarray
    conflict: np.ndarray
    rescaled: np.ndarray
    stretch: np.ndarray
    angle_counts: np.ndarray
    stretch_counts: np.ndarray

    def mean(self, key: str) -> np.ndarray:
        """Return (windows, tensors), a sum over its count; nan without a decision."""
        with np.errstate(invalid="ignore"):
            return getattr(self, key) / self.count

    def share(self, key: str) -> float:
        """Return ``conflict`` or ``rescaled`` over all decisions."""
        return float(getattr(self, key).sum() / self.count.sum())

    def stretch_percentile(self, percent: float) -> float:
        """Return a percentile of the stretch of all decisions, exact to 5 %."""
        return float(stretch_percentile(self.stretch_counts.sum(0), percent))


def stretch_percentile(counts: np.ndarray, percent: float) -> np.ndarray:
    """Return percentiles (...) of counts (..., bins of ``STRETCH_EDGES``)."""
    totals = counts.cumsum(-1)
    places = (totals < percent / 100 * totals[..., -1:]).sum(-1)
    return 10 ** STRETCH_EDGES[places]


def read_history(exp: Path) -> GradientHistory:
    """Return the history of an experiment folder.

    Raises:
        ValueError: there is no log, or a file of it cannot be read.
    """
    files = sorted((exp / FOLDER).glob("*.npz"), key=lambda path: int(path.stem))
    if not files:
        raise ValueError(
            f"{exp / FOLDER}: no log of gradients; train with a gradient_method, or "
            "with --gradient_conf probe=true where it is sum or asr_only"
        )
    epochs = [_read(path) for path in files]
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch["names"]))
    ends = np.cumsum([0] + [epoch["decisions"][-1] for epoch in epochs])
    steps = [epoch["decisions"] + end for epoch, end in zip(epochs, ends, strict=False)]
    joined = {
        key: np.concatenate([_place(epoch, key, names) for epoch in epochs])
        for key in _BY_TENSOR
    }
    counts = {key: np.concatenate([epoch[key] for epoch in epochs]) for key in _BINS}
    if not joined["count"].sum():
        raise ValueError(f"{exp / FOLDER}: no step with two usable gradients")
    return GradientHistory(names, np.concatenate(steps), **joined, **counts)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            keys = (*_BY_TENSOR, *_BINS, "names", "decisions")
            found = {key: file[key] for key in keys}
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: is no log of gradients: {error}") from error
    if {key: found[key].shape[1] for key in _BINS} != _BINS:
        raise ValueError(f"{path}: has other bins than this version's")
    return found


def _place(epoch: dict[str, np.ndarray], key: str, names: list[str]) -> np.ndarray:
    """Return an epoch's (windows, tensors) in the columns of all ``names``."""
    placed = np.zeros((len(epoch["decisions"]), len(names)), np.float64)
    columns = [names.index(name) for name in epoch["names"]]
    placed[:, columns] = epoch[key]
    return placed
