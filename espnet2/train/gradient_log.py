"""What a gradient method saw and did, by tensor and over time, kept small on disk."""

from pathlib import Path

import numpy as np

FOLDER = "gradient_log"
WINDOWS = 16  # at most, of an epoch
ANGLE_EDGES = np.linspace(0, 180, 37)  # degrees
STRETCH_EDGES = np.linspace(0, 6, 301)  # log10 of the factor on the ASR gradient
BY_TENSOR = ("count", "cosine", "log_ratio", "conflict", "rescaled", "stretch")


class GradientLog:
    """Add up the figures of an epoch's decisions; write them to one small file.

    An epoch is cut into 8 to 16 windows of equally many decisions: where a 17th would
    begin, neighbours are joined. ``<output_dir>/gradient_log/<epoch>.npz`` holds

    - ``names`` (tensors,): of the shared tensors or groups that were decided;
    - ``decisions`` (windows,): optimizer steps up to the window's end, in this epoch;
    - ``count, cosine, log_ratio, conflict, rescaled`` (windows, tensors): number of
      decisions with two non-zero finite gradients, and sums over them of the cosine,
      log10(|G_SE| / |G_ASR|), and of 1 where in conflict and where rescaled;
    - ``stretch`` (windows, tensors): the largest factor on the ASR gradient, 0 if none;
    - ``angle_counts`` (windows, 36) in bins of 5 degrees, ``stretch_counts``
      (windows, 300) in bins of 0.02 of log10 from 0, over all tensors; larger values
      fall into the last bin.

    A resumed run goes on with the log of its epoch, so that the files are those of an
    uninterrupted one.
    """

    def __init__(self, output_dir: str | Path, epoch: int) -> None:
        self.path = Path(output_dir) / FOLDER / f"{epoch}.npz"
        self.names: dict[str, int] = {}
        self.length = 1
        self.decisions = 0
        self.windows: list[dict[str, np.ndarray]] = []

    def add(self, names: list[str], figures: np.ndarray) -> None:
        """Add a step's decisions: n names, figures (n, 5) with columns ``FIGURES``."""
        if self.decisions == self.length * WINDOWS:
            self._join_neighbours()
        if self.decisions % self.length == 0:
            self.windows.append(_empty(len(self.names)))
        self.decisions += 1
        for name in names:
            self.names.setdefault(name, len(self.names))
        _widen(self.windows[-1], len(self.names))
        valid = np.isfinite(figures).all(1) & (figures[:, 1] > 0)
        places = np.array([self.names[name] for name in names])[valid]
        _add_figures(self.windows[-1], places, figures[valid].T)

    def state_dict(self) -> dict:
        """Return all that was added, as numbers and tensors."""
        from espnet2.torch_utils.device_funcs import to_device  # slow: PyTorch

        return {
            "names": list(self.names),
            "length": self.length,
            "decisions": self.decisions,
            "windows": to_device(self.windows, "cpu", copy=True),
        }

    def load_state_dict(self, state_dict: dict) -> None:
        """Take over what ``state_dict`` returned."""
        self.names = {name: n for n, name in enumerate(state_dict["names"])}
        self.length = state_dict["length"]
        self.decisions = state_dict["decisions"]
        self.windows = [
            {key: value.numpy() for key, value in window.items()}
            for window in state_dict["windows"]
        ]

    def _join_neighbours(self) -> None:
        for window in self.windows:
            _widen(window, len(self.names))
        pairs = zip(self.windows[::2], self.windows[1::2], strict=True)
        self.windows = [_join(*pair) for pair in pairs]
        self.length *= 2

    def save(self) -> None:
        """Write the file, beside and then in its place; nothing without a decision."""
        if not self.windows:
            return
        for window in self.windows:
            _widen(window, len(self.names))
        stacked = {
            key: np.stack([window[key] for window in self.windows])
            for key in self.windows[0]
        }
        by_tensor = np.moveaxis(stacked.pop("by_tensor"), -1, 0)
        stacked.update(zip(BY_TENSOR, by_tensor, strict=True))
        ends = np.arange(1, len(self.windows) + 1) * self.length
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".tmp")
        with beside.open("wb") as file:
            np.savez_compressed(
                file,
                names=np.array(list(self.names)),
                decisions=np.minimum(ends, self.decisions),
                **stacked,
            )
        beside.replace(self.path)


def _empty(tensors: int) -> dict[str, np.ndarray]:
    return {
        "by_tensor": np.zeros((tensors, len(BY_TENSOR)), np.float32),
        "angle_counts": np.zeros(len(ANGLE_EDGES) - 1, np.int32),
        "stretch_counts": np.zeros(len(STRETCH_EDGES) - 1, np.int32),
    }


def _widen(window: dict[str, np.ndarray], tensors: int) -> None:
    """Make room for tensors that were met later."""
    missing = tensors - len(window["by_tensor"])
    window["by_tensor"] = np.pad(window["by_tensor"], ((0, missing), (0, 0)))


def _add_figures(
    window: dict[str, np.ndarray], places: np.ndarray, figures: np.ndarray
) -> None:
    """Add figures (5, n), rows as ``FIGURES`` says, to the tensors at ``places``."""
    cosine, ratio, conflict, rescaled, stretch = figures
    sums = [np.ones_like(cosine), cosine, np.log10(ratio), conflict, rescaled]
    *_, largest = columns = window["by_tensor"].T
    columns[:-1, places] += sums
    largest[places] = np.maximum(largest[places], stretch)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    window["angle_counts"] += _histogram(angle, ANGLE_EDGES)
    window["stretch_counts"] += _histogram(np.log10(stretch), STRETCH_EDGES)


def _histogram(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    inside = np.clip(values, edges[0], edges[-1])
    return np.histogram(inside, edges)[0].astype(np.int32)


def _join(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> dict:
    joined = {key: one[key] + two[key] for key in one}
    largest = np.maximum(one["by_tensor"][:, -1], two["by_tensor"][:, -1])
    joined["by_tensor"][:, -1] = largest
    return joined
