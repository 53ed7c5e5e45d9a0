"""How much of a batch's two gradients is signal, and whether their signals conflict.

The gradient of a batch is its expectation over the training set, the signal, plus
noise. A method that decides for each batch sees the angle between two noisy vectors,
which in many dimensions lies near 90 degrees, on either side of it, whatever the angle
between the two expectations is.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from espnet2.train.tensor_lists import gramians


class GradientSignal(NamedTuple):
    """What is estimated from n batches, (tensors,) float64 each.

    Attributes:
        batch_cosine: mean cosine between the two gradients of a batch.
        batch_conflict: share of batches with a negative one.
        cosine: between the two expectations; nan where there is no signal to be seen.
        enh_signal: |E g|^2 / E|g|^2 of the SE gradient, 1 for a gradient without noise.
        asr_signal: the same of the ASR gradient. Either may come out a little below 0.
    """

    batch_cosine: np.ndarray
    batch_conflict: np.ndarray
    cosine: np.ndarray
    enh_signal: np.ndarray
    asr_signal: np.ndarray


class SignalEstimator:
    """Sums over batches, from which expectations' products are estimated without bias.

    For independent batches i != j, E[x_i . y_j] = E[x] . E[y]. The mean of x_i . y_j
    over all such pairs is (sum x . sum y - sum_i x_i . y_i) / (n (n - 1)).
    """

    def __init__(self) -> None:
        self.count = 0
        self._sums: list[list[Tensor]] = []
        self._products: list[Tensor] = []

    def add(self, enh_grads: list[Tensor], asr_grads: list[Tensor]) -> None:
        """Add the gradients of one batch: a pair for each tensor, in a fixed order."""
        pairs = [enh_grads, asr_grads]
        doubles = [[grad.double() for grad in grads] for grads in pairs]
        self._products.append(gramians(*doubles))
        if self.count == 0:
            self._sums = doubles
        else:
            for total, grads in zip(self._sums, doubles, strict=True):
                torch._foreach_add_(total, grads)
        self.count += 1

    def estimate(self) -> GradientSignal:
        """Return the figures of each tensor.

        Raises:
            ValueError: fewer than two batches were added.
        """
        if self.count < 2:
            raise ValueError(f"{self.count} batches: at least two are needed")
        n = self.count
        products = torch.stack(self._products)
        lengths = (products[..., 0, 0] * products[..., 1, 1]).sqrt()
        cosines = torch.nan_to_num(products[..., 0, 1] / lengths)
        crossed = (gramians(*self._sums) - products.sum(0)) / (n * (n - 1))
        enh, asr = crossed[:, 0, 0], crossed[:, 1, 1]
        norms = (enh.clamp(min=0) * asr.clamp(min=0)).sqrt()
        whole = products.mean(0)
        figures = (
            cosines.mean(0),
            (cosines < 0).double().mean(0),
            torch.where(norms > 0, crossed[:, 0, 1] / norms, torch.nan),
            enh / whole[:, 0, 0],
            asr / whole[:, 1, 1],
        )
        return GradientSignal(*(figure.cpu().numpy() for figure in figures))
