"""Running means of the ASR gradients, in which the noise of batches averages out.

Of a batch's ASR gradient in the SE module often only some per cent of the energy is
signal, so that its angle to the SE gradient says little of whether the two losses
conflict (``espnet2.train.gradient_signal``). Ours; the paper and its code look at
single batches.
"""

import torch
from torch import Tensor


class SmoothedGradients:
    """Exponential running means m_t = b m_{t-1} + (1 - b) g_t, by name.

    They are given without the bias towards the zero that they begin with, as
    m_t / (1 - b^t), t the number of gradients of that name so far.

    Args:
        decay: b, in (0, 1); the mean reaches back about 1 / (1 - b) steps.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.means: dict[str, Tensor] = {}
        self.counts: dict[str, Tensor] = {}

    def update(self, names: list[str], grads: list[Tensor]) -> list[Tensor]:
        """Add a step's gradients; return the means, tensors of their own.

        A gradient that is not finite leaves its mean as it was. No host
        synchronisation.
        """
        for name, grad in zip(names, grads, strict=True):
            if name not in self.means:
                self.means[name] = torch.zeros_like(grad)
                self.counts[name] = grad.new_zeros((), dtype=torch.float64)
            mean = self.means[name] = self.means[name].to(grad.device)
            is_finite = grad.isfinite().all()
            moved = mean.lerp(grad, 1 - self.decay)
            self.means[name] = torch.where(is_finite, moved, mean)
            self.counts[name] = self.counts[name].to(grad.device) + is_finite
        return [self._corrected(name) for name in names]

    def _corrected(self, name: str) -> Tensor:
        weight = 1 - self.decay ** self.counts[name]
        return self.means[name] / weight.clamp(min=1 - self.decay).to(self.means[name])

    def state_dict(self) -> dict:
        """Return what a resumed run needs."""
        return {"means": dict(self.means), "counts": dict(self.counts)}

    def load_state_dict(self, state: dict) -> None:
        """Go on from what ``state_dict`` returned."""
        self.means, self.counts = dict(state["means"]), dict(state["counts"])
