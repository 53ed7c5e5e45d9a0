"""Gradient Remedy in a plain PyTorch loop: two losses of one's own, a shared encoder.

A denoiser (auxiliary loss) feeds a classifier of tones (main loss). One process, full
precision. With a GradScaler scale both losses by the same scaler; under
DistributedDataParallel both gradients must be averaged before the remedy.
"""

import torch
from torch import Tensor, nn
from torchjd.aggregation import Sum
from torchjd.autojac import backward, jac_to_grad

from espnet2.train.gradient_remedy import GradientRemedy, remedy


class Denoiser(nn.Module):
    """An encoder that both losses train, and a classifier of what it gives."""

    def __init__(self, samples: int = 64, classes: int = 4) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(samples, 32), nn.Tanh(), nn.Linear(32, samples)
        )
        self.classifier = nn.Linear(samples, classes)

    def losses(
        self, noisy: Tensor, clean: Tensor, tone: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the auxiliary loss (denoising) and the main loss (classes)."""
        denoised = self.encoder(noisy)
        enh_loss = nn.functional.mse_loss(denoised, clean)
        main_loss = nn.functional.cross_entropy(self.classifier(denoised), tone)
        return enh_loss, main_loss


def make_batch(size: int = 32, samples: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Return noisy tones, the clean ones (both (size, samples)) and their classes."""
    tone = torch.randint(4, (size,))
    time = torch.arange(samples) / samples
    clean = torch.sin(2 * torch.pi * (tone[:, None] + 1) * 3 * time)
    return clean + 2 * torch.randn_like(clean), clean, tone


def set_gradients(
    aux_loss: Tensor, main_loss: Tensor, shared: list[Tensor], own: list[Tensor]
) -> tuple[float, float]:
    """Set ``.grad``; return the mean cosine and the share of tensors in conflict."""
    backward([aux_loss, main_loss])  # rows of .jac: 0 auxiliary, 1 main
    jacobians = [parameter.jac.flatten(1) for parameter in shared]
    seen = remedy(torch.stack([jacobian @ jacobian.T for jacobian in jacobians]))
    method = GradientRemedy(max_stretch="dynamic")
    for parameter in shared:  # decide by tensor; jac_to_grad(shared, ...): once for all
        jac_to_grad([parameter], method)
    if own:
        jac_to_grad(own, Sum())  # what only one loss reaches is trained as ever
    return seen.cosine.mean().item(), seen.conflict.double().mean().item()


def main(steps: int = 50) -> None:
    """Train, and print whether the two losses fight."""
    torch.manual_seed(0)
    model = Denoiser()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    shared, own = list(model.encoder.parameters()), list(model.classifier.parameters())
    for step in range(1, steps + 1):
        aux_loss, main_loss = model.losses(*make_batch())
        optimizer.zero_grad()
        cosine, conflict = set_gradients(aux_loss, main_loss, shared, own)
        optimizer.step()
        print(
            f"step {step}: aux {aux_loss:.3f} main {main_loss:.3f} "
            f"cosine {cosine:+.2f} conflict {conflict:.0%}"
        )


if __name__ == "__main__":
    main()
