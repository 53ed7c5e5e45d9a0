"""D4AM: the SE gradient with a weight that is learned during the training.

C.-C. Lee et al., "D4AM: A General Denoising Framework for Downstream Acoustic Models",
ICLR 2023, arXiv 2311.16595.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_options import GradientConf


@dataclasses.dataclass(frozen=True)
class D4AMConf:
    """The keys of ``weighting_conf`` and their published values.

    Attributes:
        alpha: the weight that the training begins with.
        beta: how far it moves, times the mean slope.
        update_num: steps over which the slope is averaged before it moves.
    """

    alpha: float = 1.0
    beta: float = 0.05
    update_num: int = 8


class LearnedWeights:
    """The weight of each tensor or group, with the slopes that wait to move it."""

    def __init__(self, conf: D4AMConf) -> None:
        self.conf = conf
        self.rows: dict[str, Tensor] = {}  # alpha, sum of slopes, their number

    def of(self, names: list[str], like: Tensor) -> Tensor:
        """Return (n, 3), a row for each name, on the device of ``like``."""
        start = like.new_zeros(3)
        start[0] = self.conf.alpha
        return torch.stack([self.rows.get(name, start).to(like) for name in names])

    def add(self, names: list[str], rows: Tensor, slopes: Tensor) -> None:
        """Add a step's slopes (n,); move what has had enough. No host wait.

        A slope that is not finite is left out.
        """
        alpha, total, count = rows.unbind(-1)
        finite = slopes.isfinite()
        total, count = total + slopes.masked_fill(~finite, 0.0), count + finite
        is_due = count >= self.conf.update_num
        step = (-self.conf.beta * total / self.conf.update_num).clamp(-1, 1)
        alpha = torch.where(is_due, (alpha + step).clamp_min(0), alpha)
        total, count = (old.masked_fill(is_due, 0) for old in (total, count))
        new = torch.stack([alpha, total, count], -1).unbind()
        self.rows.update(zip(names, new, strict=True))

    def state_dict(self) -> dict:
        """Return what a resumed run needs."""
        return dict(self.rows)

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what ``state_dict`` returned."""
        self.rows = dict(state_dict)


class D4AM(GradientMethod):
    """G_ASR + (p + alpha) G_SE.

    With m = G_ASR and a = G_SE, p = max(0, -<m, a> / |a|^2) takes from m its part
    against a ("gradient calibration"). alpha >= 0 follows the slope of
    |m + p a - alpha a|^2, 2 alpha |a|^2 - 2 max(0, <m, a>), in steps of at most 1. The
    published method decides for the whole SE module: ``granularity: module``. Its
    losses are not weighted; ``enh_weight: 0.5`` weighs ours alike.
    """

    is_configurable: ClassVar[bool] = True

    def __init__(self, name: str, conf: GradientConf, seed: int = 0) -> None:
        super().__init__(name, conf, seed)
        try:
            options = D4AMConf(**conf.weighting_conf)
        except TypeError as error:
            raise ValueError(
                f"gradient_method: {name} with weighting_conf: {conf.weighting_conf}: "
                f"{error}"
            ) from None
        self.learned = LearnedWeights(options)

    def weigh(self, gramians: Tensor, names: list[str]) -> Tensor:
        """Return (p + alpha, 1); nan for gradients that are not finite."""
        enh, inner = gramians[:, 0, 0], gramians[:, 0, 1]
        rows = self.learned.of(names, gramians)
        conflicts = (inner < 0) & (enh > 0)
        calibration = (-inner / enh).masked_fill_(~conflicts, 0.0)
        self.learned.add(names, rows, 2 * (rows[:, 0] * enh - inner.clamp_min(0)))
        weights = torch.stack([calibration + rows[:, 0], torch.ones_like(enh)], -1)
        return weights + (gramians * 0).sum((-2, -1)).unsqueeze(-1)

    def state(self) -> Mapping[str, Any]:
        """Return the base's parts and the learned weights."""
        return {**super().state(), "learned": self.learned}
