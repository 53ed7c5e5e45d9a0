"""Gradient Remedy as a method of training: decided tensor by tensor or by module."""

from typing import ClassVar

from torch import Tensor

from espnet2.train.gradient_decision import Decision
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_remedy import remedy


class Remedy(GradientMethod):
    """Projection and rescale, see ``espnet2.train.gradient_remedy.remedy``."""

    rescales: ClassVar[bool] = True

    def decide(self, gramians: Tensor, names: list[str]) -> Decision:
        """Return what ``remedy`` decides with the options of ``gradient_conf``.

        By the running mean it decides on the projection alone: the mean is far shorter
        than the ASR gradient of a step, which ``rescale`` compares in its place.
        """
        conf = self.conf
        rescale = conf.rescale and self.smoothed is None
        return remedy(
            gramians, conf.threshold, conf.max_stretch, conf.projection, rescale
        )

    def rescale(self, gramians: Tensor, names: list[str]) -> Decision:
        """Return step 2 of ``remedy``, alone."""
        conf = self.conf
        return remedy(gramians, conf.threshold, conf.max_stretch, False, conf.rescale)
