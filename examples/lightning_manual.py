"""Gradient Remedy in Lightning: manual optimisation, the rest stays Lightning's.

The network and its two losses are those of plain_pytorch.py. One process, full
precision: with several devices each would decide on its own gradients.
"""

import lightning
import torch
from plain_pytorch import Denoiser, make_batch, set_gradients
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset


class RemediedDenoiser(lightning.LightningModule):
    """A denoiser and classifier trained with Gradient Remedy."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model = Denoiser()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam over all parameters."""
        return torch.optim.Adam(self.parameters(), lr=1e-2)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> None:
        """Make one step and log whether the two losses fight."""
        aux_loss, main_loss = self.model.losses(*batch)
        optimizer = self.optimizers()
        optimizer.zero_grad()
        shared = list(self.model.encoder.parameters())
        own = list(self.model.classifier.parameters())
        cosine, conflict = set_gradients(aux_loss, main_loss, shared, own)
        self.clip_gradients(
            optimizer, gradient_clip_val=5.0, gradient_clip_algorithm="norm"
        )
        optimizer.step()
        figures = {"grad_cosine": cosine, "grad_conflict": conflict}
        losses = {"aux_loss": aux_loss, "main_loss": main_loss}
        self.log_dict({**figures, **losses}, prog_bar=True)


def main(batches: int = 50) -> RemediedDenoiser:
    """Train for one epoch on the CPU and return the module."""
    lightning.seed_everything(0)
    data = TensorDataset(*make_batch(32 * batches))
    module = RemediedDenoiser()
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
    )
    trainer.fit(module, DataLoader(data, batch_size=32))
    print(
        {name: round(float(value), 3) for name, value in trainer.logged_metrics.items()}
    )
    return module


if __name__ == "__main__":
    main()
