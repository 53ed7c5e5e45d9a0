"""What the surgery is compared with: one tensor after the other."""

import torch
from torch import Tensor
from torchjd.aggregation import Aggregator

Gradients = dict[str, Tensor]


def loop_over_tensors(
    enh_grads: Gradients, asr_grads: Gradients, threshold: float
) -> Gradients:
    """Return the remedied gradients by the published way, without a bound.

    It keeps a copy of both gradients and branches in Python on values of tensors, for
    each of which the host waits for the device.
    """
    enh_grads = {name: grad.clone() for name, grad in enh_grads.items()}
    asr_grads = {name: asr_grads[name].clone() for name in enh_grads}
    return {
        name: _remedy_tensor(grad, asr_grads[name], threshold)
        for name, grad in enh_grads.items()
    }


def _remedy_tensor(enh_grad: Tensor, asr_grad: Tensor, threshold: float) -> Tensor:
    enh, asr = enh_grad.flatten(), asr_grad.flatten()
    inner = torch.dot(enh, asr)
    if inner < 0:
        asr_norm = asr.norm()
        tangent = enh.norm() / asr_norm
        projected = enh - inner / asr_norm**2 * asr
        enh = projected + projected.norm() / tangent * asr / asr_norm
    enh_norm, asr_norm = enh.norm(), asr.norm()
    cosine = torch.dot(enh, asr) / (enh_norm * asr_norm)
    if enh_norm > threshold * asr_norm and cosine != 0:
        enh *= cosine
        asr /= cosine
    return (enh + asr).view_as(asr_grad)


def aggregate_tensors(
    enh_grads: Gradients, asr_grads: Gradients, aggregator: Aggregator
) -> Gradients:
    """Return what a torchjd aggregator makes of each tensor's Jacobian (2, n)."""
    result = {}
    for name, enh in enh_grads.items():
        asr = asr_grads[name]
        jacobian = torch.stack([enh.flatten(), asr.flatten()])
        result[name] = aggregator(jacobian).view_as(asr)
    return result
