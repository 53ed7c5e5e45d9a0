"""Say in words whether the two losses' gradients fight, from the figures alone."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from espnet2.results.facts import read_config
from espnet2.results.gradient_history import GradientHistory

RARE = 0.05  # a share below is called so
LARGE_STRETCH = 10.0
# What classes of ``gradient_methods`` say too; they load PyTorch, which takes seconds.
RESCALE = ("remedy",)
DO_NOT_DECIDE = ("sum", "asr_only")


class Method(NamedTuple):
    """What decided on the gradients that were logged.

    Attributes:
        name: the run's ``gradient_method``.
        threshold: its K.
        is_smoothed: whether the ASR gradient that was logged is the running mean.
    """

    name: str
    threshold: float
    is_smoothed: bool = False

    @property
    def asr(self) -> str:
        """The name of the logged ASR gradient."""
        return "running mean of G_ASR" if self.is_smoothed else "G_ASR"


def describe(history: GradientHistory, method: Method) -> list[str]:
    """Return the verdict on what was logged, a line for each thing that can be said."""
    conflict = history.share("conflict")
    ratios = history.mean("log_ratio")
    dominant = float((ratios > np.log10(method.threshold))[history.count > 0].mean())
    # The rescale looks at the gradient of the step, which is longer than its mean.
    dominates = "" if method.is_smoothed else "SE dominates, "
    lines = [
        f"{history.steps[-1]} steps, {len(history.names)} tensors or groups, "
        f"method {method.name}",
        f"conflict: {conflict:.0%} of decisions over 90 degrees{_where(history)}",
        f"norm ratio |G_SE|/|{method.asr}|: median {_median(ratios[:1]):.3g} at first, "
        f"{_median(ratios):.3g} over all, {_median(ratios[-1:]):.3g} at last; "
        f"{dominates}over {method.threshold:g} in {dominant:.0%}",
    ]
    if method.name in RESCALE:
        lines.append(
            f"the remedy rescaled {history.share('rescaled'):.0%} of decisions; factor "
            f"on the ASR gradient: median {history.stretch_percentile(50):.3g}, "
            f"99 % below {history.stretch_percentile(99):.3g}, "
            f"largest {history.stretch.max():.3g}"
        )
    return lines + _advice(history, method.name, conflict, dominant, _median(ratios))


def _median(log_ratios: np.ndarray) -> float:
    return float(10 ** np.nanmedian(log_ratios))


def _where(history: GradientHistory) -> str:
    """Name the tensor and the third of the training with the most conflict."""
    by_tensor = history.conflict.sum(0) / np.maximum(history.count.sum(0), 1)
    worst = int(by_tensor.argmax())
    thirds = np.array_split(np.arange(len(history.steps)), 3)
    shares = {
        name: history.conflict[part].sum() / max(history.count[part].sum(), 1)
        for name, part in zip(("first", "middle", "last"), thirds, strict=True)
        if len(part)
    }
    third = max(shares, key=shares.__getitem__)
    return (
        f", most in {history.names[worst]} ({by_tensor[worst]:.0%}) and in the "
        f"{third} third of the training ({shares[third]:.0%})"
    )


def _advice(
    history: GradientHistory,
    method: str,
    conflict: float,
    dominant: float,
    ratio: float,
) -> list[str]:
    """Return what to try, from the figures alone."""
    advice = []
    if conflict < RARE and dominant < RARE:
        advice.append("the losses hardly disagree: expect no gain from any method")
    elif method in DO_NOT_DECIDE:
        parts = [
            "projection" if conflict >= RARE else "",
            "rescale" if dominant >= RARE else "",
        ]
        acting = " and ".join(part for part in parts if part)
        advice.append(f"of the remedy, {acting} would act: try gradient_method: remedy")
    if ratio < 0.1:
        advice.append(
            "the SE loss has little say in the shared parameters: if the enhanced "
            "speech is poor, raise enh_weight"
        )
    if method in RESCALE and history.stretch_percentile(99) > LARGE_STRETCH:
        advice.append(
            "the rescale stretches ASR gradients far: try rescale: compress, "
            "max_stretch: dynamic (where it is null) or a lower enh_weight"
        )
    return advice


def read_method(exp: Path) -> Method:
    """Return what an experiment folder's config.yaml says.

    Raises:
        ValueError: there is no such file, or it is of another task.
    """
    config = read_config(exp)
    try:
        conf = config["gradient_conf"]
        threshold = float(conf["threshold"])
        smoothed = bool(conf.get("smoothing"))
        return Method(config["gradient_method"], threshold, smoothed)
    except (KeyError, TypeError) as error:
        path = exp / "config.yaml"
        raise ValueError(f"{path}: is no config of this training: {error}") from error
