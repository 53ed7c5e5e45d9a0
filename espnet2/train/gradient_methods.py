"""The gradient methods by name: Gramians of SE and ASR gradients in, weights out."""

import torch
from torch import Tensor

from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_remedy import Remedy, remedy
from espnet2.train.gradient_smoothing import SmoothedGradients
from espnet2.train.torchjd_weightings import SHORT_NAMES, NamedWeightings

OWN_METHODS = ("remedy", "sum", "asr_only", "one_way")
METHODS = (*OWN_METHODS, *SHORT_NAMES)


def one_way_weights(gramian: Tensor) -> Tensor:
    """Return weights (..., 2), float64, of the one-way projection.

    If <a, b> < 0, with a = G_SE and b = G_ASR: a <- a - <a, b> / |b|^2 b. The ASR
    gradient stays as it is (PCGrad, arXiv 2001.06782, would change both). A zero
    gradient gives (1, 1), a non-finite one non-finite weights.

    Args:
        gramian: (..., 2, 2); row and column 0 the SE gradient, 1 the ASR gradient.
    """
    gramian = gramian.detach().to(torch.float64)
    inner, asr = gramian[..., 0, 1], gramian[..., 1, 1]
    applies = (inner < 0) & (asr > 0)
    removed = torch.where(applies, inner / torch.where(applies, asr, 1.0), 0.0)
    weights = torch.stack([torch.ones_like(removed), 1 - removed], -1)
    return weights + (gramian * 0).sum((-2, -1)).unsqueeze(-1)


class GradientMethod:
    """What decides how each pair of an SE and an ASR gradient is weighed.

    Args:
        name: one of ``METHODS``, or the dotted path of a torchjd weighting class.
        conf: its options.
        seed: of the random numbers of torchjd's methods.

    Raises:
        ValueError: the method is unknown, or does not take the options.
    """

    def __init__(self, name: str, conf: GradientConf, seed: int = 0) -> None:
        if name not in METHODS and "." not in str(name):
            raise ValueError(
                f"gradient_method: {name!r}: expected one of {', '.join(METHODS)} or "
                "the path of a torchjd weighting class, such as "
                "torchjd.aggregation.DualProjWeighting"
            )
        self.name = name
        self.conf = conf
        self.smoothed = SmoothedGradients(conf.smoothing) if conf.smoothing else None
        self.weightings: NamedWeightings | None = None
        if name not in OWN_METHODS:
            self.weightings = NamedWeightings(name, conf.weighting_conf, seed)
        elif conf.weighting_conf:
            raise ValueError(
                f"gradient_conf: weighting_conf: {conf.weighting_conf}: is for "
                f"torchjd's methods; {name} has none"
            )

    @property
    def decides(self) -> bool:
        """Whether the weights depend on the gradients."""
        return self.name not in ("sum", "asr_only")

    @property
    def separates(self) -> bool:
        """Whether the two gradients are needed apart, to decide or to be observed."""
        return self.decides or self.conf.probe

    def decide(self, gramians: Tensor, names: list[str]) -> Remedy:
        """Return the weights and the figures of pairs with Gramians (n, 2, 2).

        Every method reports the same angles and ratios; only ``remedy`` rescales.

        Args:
            gramians: row and column 0 the SE gradient, 1 the ASR gradient.
            names: n names of the tensors or groups; a method's state goes by them.
        """
        conf = self.conf
        figures = remedy(
            gramians, conf.threshold, conf.max_stretch, conf.projection, conf.rescale
        )
        if self.name == "remedy":
            return figures
        return figures._replace(
            weights=self._weights(gramians, names),
            rescaled=torch.zeros_like(figures.rescaled),
            stretch=torch.ones_like(figures.stretch),
        )

    def _weights(self, gramians: Tensor, names: list[str]) -> Tensor:
        if self.weightings is not None:
            return self.weightings(gramians, names)
        if self.name == "one_way":
            return one_way_weights(gramians)
        weights = gramians.new_ones(len(gramians), 2)
        if self.name == "asr_only":
            weights[:, 0] = 0
        return weights

    def state_dict(self) -> dict:
        """Return what a resumed run needs; empty for a method without a state."""
        parts = {"weightings": self.weightings, "smoothed": self.smoothed}
        return {name: p.state_dict() for name, p in parts.items() if p is not None}

    def load_state_dict(self, state: dict) -> None:
        """Go on from what ``state_dict`` returned."""
        parts = {"weightings": self.weightings, "smoothed": self.smoothed}
        for name, part in parts.items():
            if part is not None and name in state:
                part.load_state_dict(state[name])
