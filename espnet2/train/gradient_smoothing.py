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

    They begin with zero and so are too short. The mean itself is m_t / (1 - b^t), t
    the number of gradients of that name so far.

    Args:
        decay: b, in (0, 1); the mean reaches back about 1 / (1 - b) steps.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.means: dict[str, Tensor] = {}
        self.counts: dict[str, Tensor] = {}

    def update(
        self, names: list[str], grads: list[Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """Add a step's n gradients; no host synchronisation.

        A step with a gradient that is not finite leaves all means as they were: its
        optimizer step is skipped, too.

        Returns:
            The n tensors m_t, not to be written to, and 1 - b^t (n,) in float64.
        """
        for name, grad in zip(names, grads, strict=True):
            if name not in self.means:
                self.means[name] = torch.zeros_like(grad)
                self.counts[name] = grad.new_zeros((), dtype=torch.float64)
            if self.means[name].device != grad.device:  # of a checkpoint
                self.means[name] = self.means[name].to(grad.device)
                self.counts[name] = self.counts[name].to(grad.device)
        means = [self.means[name] for name in names]
        is_finite = torch.stack(torch._foreach_norm(grads, torch.inf)).isfinite().all()
        torch._foreach_mul_(means, 1 - (1 - self.decay) * is_finite)
        torch._foreach_add_(means, _or_zero(grads, is_finite), alpha=1 - self.decay)
        counts = torch.stack([self.counts[name] for name in names]) + is_finite
        self.counts.update(zip(names, counts.unbind(), strict=True))
        return means, (1 - self.decay**counts).clamp_min(1 - self.decay)

    def state_dict(self) -> dict:
        """Return what a resumed run needs."""
        return {"means": dict(self.means), "counts": dict(self.counts)}

    def load_state_dict(self, state: dict) -> None:
        """Go on from what ``state_dict`` returned, which stays as it is."""
        means = {name: mean.clone() for name, mean in state["means"].items()}
        self.means, self.counts = means, dict(state["counts"])


def with_means(gramians: Tensor, shares: Tensor) -> Tensor:
    """Return Gramians (n, k, k) with means in place of their sums m_t.

    Args:
        gramians: row and column 1 are the sums'.
        shares: (n,), what a sum is divided by to be a mean.
    """
    factors = torch.ones_like(gramians[:, 0])
    factors[:, 1] /= shares
    return gramians * factors.unsqueeze(-1) * factors.unsqueeze(-2)


def turned_gramians(gramians: Tensor, kept: Tensor, added: Tensor) -> Tensor:
    """Return the Gramians (n, 2, 2) of s a + c r and b, float64.

    Args:
        gramians: (n, 3, 3), of a = G_SE, r, the running mean, and b = G_ASR.
        kept: (n,), s.
        added: (n,), c.
    """
    zero, one = torch.zeros_like(kept), torch.ones_like(kept)
    rows = torch.stack([kept, added, zero, zero, zero, one], -1).view(-1, 2, 3)
    turned = rows @ gramians @ rows.mT
    turned[:, 0, 0].clamp_min_(0)  # a square, but for rounding
    return turned


def _or_zero(tensors: list[Tensor], is_kept: Tensor) -> list[Tensor]:
    """Return copies of the tensors, or zeros in their place.

    Multiplied as integers: of an Inf, too, zero times its bits is zero.
    """
    integers = {2: torch.int16, 4: torch.int32, 8: torch.int64}
    bits = [tensor.view(integers[tensor.itemsize]) for tensor in tensors]
    kept = torch._foreach_mul(bits, is_kept.to(bits[0].dtype))
    return [k.view(t.dtype) for k, t in zip(kept, tensors, strict=True)]
