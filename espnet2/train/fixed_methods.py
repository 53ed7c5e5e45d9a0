"""The methods that look at no gradient: the plain sum, and the ASR loss alone."""

from typing import ClassVar

from torch import Tensor

from espnet2.train.gradient_method import GradientMethod


class Sum(GradientMethod):
    """G_SE + G_ASR: upstream's joint training."""

    decides: ClassVar[bool] = False

    def weigh(self, gramians: Tensor, names: list[str]) -> Tensor:
        """Return ones (n, 2)."""
        return gramians.new_ones(len(gramians), 2)


class ASROnly(GradientMethod):
    """G_ASR: the SE loss trains nothing."""

    decides: ClassVar[bool] = False
    wants_enh: ClassVar[bool] = False

    def weigh(self, gramians: Tensor, names: list[str]) -> Tensor:
        """Return (0, 1) for each of the n pairs."""
        return gramians.new_tensor([0.0, 1.0]).repeat(len(gramians), 1)
