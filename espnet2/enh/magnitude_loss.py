"""The SE loss of the Gradient Remedy system: squared error of magnitudes."""

import torch
from torch import Tensor
from torch_complex.tensor import ComplexTensor


def magnitude_loss(
    enhanced: Tensor | ComplexTensor, clean: Tensor | ComplexTensor, lengths: Tensor
) -> Tensor:
    """Return the mean over utterances of the squared error of magnitude spectra.

    For utterance b with T_b frames: sum over t < T_b and all f of
    (|enhanced[b, t, f]| - |clean[b, t, f]|)^2, divided by T_b. Frames past T_b count
    neither above nor below. As in the authors' code (arXiv 2302.11362).

    Args:
        enhanced: (batch, frames, bins), complex spectrum or real magnitude; complex
            ones may be PyTorch's or those of the package torch_complex, in which
            upstream has them with ``use_builtin_complex: false``.
        clean: (batch, frames, bins), likewise.
        lengths: (batch,), true frames of each utterance.

    Returns:
        0-dim tensor. At a zero bin the gradient is zero.

    Raises:
        ValueError: the shapes differ, e.g. a reference of another length.
    """
    if enhanced.shape != clean.shape:
        raise ValueError(
            f"enhanced {tuple(enhanced.shape)} and clean {tuple(clean.shape)} spectra "
            "must have the same shape (batch, frames, bins)"
        )
    enhanced, clean = _builtin(enhanced), _builtin(clean)
    frames = torch.arange(enhanced.shape[1], device=enhanced.device)
    valid = frames < lengths.to(enhanced.device).unsqueeze(1)
    error = (enhanced.abs() - clean.abs()).square().sum(-1)
    total = torch.where(valid, error, torch.zeros_like(error)).sum(-1)
    return (total / valid.sum(-1).clamp_min(1)).mean()


def _builtin(spectrum: Tensor | ComplexTensor) -> Tensor:
    """Return it as PyTorch's own tensor, whose magnitude has a gradient at zero."""
    if isinstance(spectrum, ComplexTensor):
        return torch.complex(spectrum.real, spectrum.imag)
    return spectrum
