"""The two losses of the joint model, weighted, in the form that a trainer takes."""

import torch
from torch import Tensor

from espnet2.torch_utils.device_funcs import force_gatherable


def joint_output(
    loss_enh: Tensor | None,
    loss_asr: Tensor,
    enh_weight: float,
    stats: dict[str, Tensor | None],
    batch_size: int,
) -> dict[str, object]:
    """Return ``loss, loss_enh, loss_asr, stats, weight`` of a batch.

    loss = (1 - w) L_ASR + w L_SE; without an SE loss it is (1 - w) L_ASR.

    Args:
        loss_enh: L_SE, a scalar, or None.
        loss_asr: L_ASR, a scalar.
        enh_weight: w, 0 to 1.
        stats: the recogniser's; both losses are added, unweighted, and their sum.
        batch_size: utterances.
    """
    stats["loss_asr"] = loss_asr.detach()
    # nan, not None: the ranks of a distributed run must report the same keys.
    missing = torch.full_like(stats["loss_asr"], torch.nan)
    stats["loss_enh"] = missing if loss_enh is None else loss_enh.detach()
    loss = loss_asr = (1 - enh_weight) * loss_asr
    if loss_enh is not None:
        loss_enh = enh_weight * loss_enh
        loss = loss_asr + loss_enh
    stats["loss"] = loss.detach()
    output = {
        "loss": loss,
        "loss_enh": loss_enh,
        "loss_asr": loss_asr,
        "stats": stats,
        "weight": batch_size,
    }
    return force_gatherable(output, loss.device)
