"""What a way to combine two gradients is: what it needs, decides, records and keeps."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from espnet2.train.gradient_decision import Decision, cosine_and_ratio
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_smoothing import SmoothedGradients


class GradientMethod:
    """One way to combine an SE and an ASR gradient: a subclass for each.

    A subclass gives ``weigh``, or ``decide`` if it has more to record, ``rescale`` if
    it ``rescales``, and says what it needs:

    Attributes:
        decides: whether the weights depend on the gradients. If not, training takes
            the gradient of the sum of the losses that it wants, in one backward pass.
        wants_enh: whether the SE loss trains anything.
        rescales: whether it balances the gradients' lengths, see ``Decision``.
        is_configurable: whether it takes ``weighting_conf``.

    Args:
        name: in the table ``METHODS``, or the dotted path of a torchjd class.
        conf: the options.
        seed: of random numbers.

    Raises:
        ValueError: the method does not take the options.
    """

    decides: ClassVar[bool] = True
    wants_enh: ClassVar[bool] = True
    rescales: ClassVar[bool] = False
    is_configurable: ClassVar[bool] = False

    def __init__(self, name: str, conf: GradientConf, seed: int = 0) -> None:
        if conf.weighting_conf and not self.is_configurable:
            raise ValueError(
                f"gradient_conf: weighting_conf: {conf.weighting_conf}: is for "
                f"torchjd's methods; {name} has none"
            )
        self.conf = conf
        self.smoothed = SmoothedGradients(conf.smoothing) if conf.smoothing else None

    @property
    def separates(self) -> bool:
        """Whether the two gradients are needed apart, to decide or to be observed."""
        return self.decides or self.conf.probe

    def decide(self, gramians: Tensor, names: list[str]) -> Decision:
        """Return the weights and the figures of pairs with Gramians (n, 2, 2).

        Every method reports the same angles and ratios.

        Args:
            gramians: float64; row and column 0 the SE gradient, 1 the ASR gradient.
            names: n names of the tensors or groups; a method's state goes by them.
        """
        gramians = gramians.detach()
        cosine, ratio = cosine_and_ratio(gramians)
        conflict = cosine < 0
        unchanged = torch.zeros_like(conflict), torch.ones_like(cosine)
        weights = self.weigh(gramians, names)
        return Decision(weights, cosine, ratio, conflict, *unchanged)

    def weigh(self, gramians: Tensor, names: list[str]) -> Tensor:
        """Return the weights (n, 2), float64; the arguments are those of ``decide``."""
        raise NotImplementedError

    def rescale(self, gramians: Tensor, names: list[str]) -> Decision:
        """Return how the lengths are balanced after a decision by the running mean.

        Args:
            gramians: as for ``decide``, of the SE gradient as it was decided and of the
                ASR gradient of the step.
            names: as for ``decide``.
        """
        raise NotImplementedError

    def state(self) -> Mapping[str, Any]:
        """Return the parts with a ``state_dict``, by name; None for one not in use."""
        return {"smoothed": self.smoothed}

    def state_dict(self) -> dict:
        """Return the parts' states; empty for a method without one."""
        parts = self.state().items()
        return {name: part.state_dict() for name, part in parts if part is not None}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what ``state_dict`` returned."""
        for name, part in self.state().items():
            if part is not None and name in state_dict:
                part.load_state_dict(state_dict[name])
