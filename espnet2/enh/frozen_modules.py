"""Modules that do not learn do not drop out, and do not change their statistics."""

import torch
from torch.nn.modules.rnn import RNNBase

from espnet2.train.abs_espnet_model import AbsESPnetModel


def keep_frozen(model: torch.nn.Module) -> None:
    """Put every module whose parameters are all frozen into evaluation mode.

    Two kinds stay in training mode. A recurrent one, since cuDNN has no backward pass
    in evaluation mode, loses its dropout instead. A whole ESPnet model, which would
    count its errors at every step, and whose SpecAugment is part of the data.
    """
    for module in model.modules():
        frozen = [not p.requires_grad for p in module.parameters()]
        if not frozen or not all(frozen):
            continue
        for part in module.modules():
            if isinstance(part, RNNBase):
                part.dropout = 0.0
            elif not isinstance(part, AbsESPnetModel):
                part.training = False
