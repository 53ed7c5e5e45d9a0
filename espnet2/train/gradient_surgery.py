"""Two losses' gradients, keyed by parameter name, made into one gradient.

Where a parameter is reached by both losses and lies under ``shared_params`` the chosen
method decides; everywhere else the plain sum holds.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from espnet2.train.gradient_decision import Decision
from espnet2.train.gradient_method import GradientMethod

Gradients = dict[str, Tensor]


class Surgery(NamedTuple):
    """A combined gradient, and what was decided for the n tensors or groups ``names``.

    ``decision`` is None if no parameter has both gradients.
    """

    gradients: Gradients
    names: list[str]
    decision: Decision | None


def named_gradients(
    loss: Tensor, parameters: dict[str, Tensor], retain_graph: bool = False
) -> Gradients:
    """Return d loss / d parameter for the parameters that ``loss`` reaches.

    Each is contiguous and has memory of its own, to be written to: autograd may give
    two biases that are added one and the same tensor.
    """
    gradients = torch.autograd.grad(
        loss, list(parameters.values()), retain_graph=retain_graph, allow_unused=True
    )
    found: Gradients = {}
    addresses = set()
    for name, grad in zip(parameters, gradients, strict=True):
        if grad is None:
            continue
        if grad.data_ptr() in addresses or not grad.is_contiguous():
            grad = grad.clone(memory_format=torch.contiguous_format)
        addresses.add(grad.data_ptr())
        found[name] = grad
    return found


def gramians(enh_grads: list[Tensor], asr_grads: list[Tensor]) -> Tensor:
    """Return the (n, 2, 2) float64 Gramians of n pairs of tensors.

    Row and column 0 are the SE gradient, 1 the ASR gradient. Products are summed in the
    gradients' dtype, at least float32. No host synchronisation.
    """
    products = []
    for enh, asr in zip(enh_grads, asr_grads, strict=True):
        dtype = torch.promote_types(enh.dtype, torch.float32)
        enh, asr = enh.flatten().to(dtype), asr.flatten().to(dtype)
        products += [torch.dot(enh, enh), torch.dot(enh, asr), torch.dot(asr, asr)]
    enh_enh, enh_asr, asr_asr = torch.stack(products).double().view(-1, 3).unbind(-1)
    return torch.stack([enh_enh, enh_asr, enh_asr, asr_asr], -1).unflatten(-1, (2, 2))


def combine(
    enh_grads: Gradients,
    asr_grads: Gradients,
    groups: dict[str, list[str]],
    method: GradientMethod,
    scale: Tensor | None = None,
) -> Surgery:
    """Return the gradient of every parameter that a loss reaches.

    The gradient of a shared parameter is w0 G_SE + w1 G_ASR. With ``smoothing`` the
    weights follow from r, the running mean of G_ASR, in its place, and what the method
    adds to the ASR gradient it adds along r: w0 G_SE + G_ASR + (w1 - 1) r.

    Works in place: both inputs' tensors are overwritten, and no memory is added but for
    the running means.

    Args:
        enh_grads: SE gradients by parameter name; a missing name counts as zero.
        asr_grads: ASR gradients by parameter name, likewise.
        groups: {prefix: names} of the shared parameters, see ``resolve_shared_params``.
        method: what decides; its ``granularity`` is for each tensor or each group.
        scale: 0-dim, the loss scale that both gradients carry and the result shall
            carry (mixed precision); decisions are taken without it, so that squares
            of large scaled gradients cannot overflow.

    Returns:
        ``Surgery``.
    """
    shared = _reached_by_both(enh_grads, asr_grads, groups)
    names = [name for group in shared.values() for name in group]
    combined = dict(asr_grads)
    if method.wants_enh:
        for name in enh_grads.keys() - set(names):
            enh = enh_grads[name]
            combined[name] = combined[name].add_(enh) if name in combined else enh
    if not names:
        return Surgery(combined, [], None)
    enh = [enh_grads[name] for name in names]
    asr = [asr_grads[name] for name in names]
    if scale is not None:
        torch._foreach_mul_([*enh, *asr], scale.double().reciprocal().to(scale.dtype))
    if method.smoothed is None:
        decision, weights = _decide(gramians(enh, asr), shared, method)
    else:
        means = method.smoothed.update(names, asr)
        decision, weights = _decide(gramians(enh, means), shared, method)
        weights = _add_along(means, asr, weights)
    if method.wants_enh:
        weigh_in_place(enh, asr, weights if scale is None else weights * scale)
    elif scale is not None:  # observed only: 0 times an Inf in it would be NaN
        torch._foreach_mul_(asr, scale)
    keys = names if method.conf.granularity == "tensor" else list(shared)
    return Surgery(combined, keys, decision)


def _reached_by_both(
    enh_grads: Gradients, asr_grads: Gradients, groups: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Return the groups with only the names that have both gradients."""
    both = {
        group: [name for name in names if name in enh_grads and name in asr_grads]
        for group, names in groups.items()
    }
    return {group: names for group, names in both.items() if names}


def _decide(
    gramian: Tensor, shared: dict[str, list[str]], method: GradientMethod
) -> tuple[Decision, Tensor]:
    """Return the decisions and, from them, weights (n, 2) for the n tensors."""
    if method.conf.granularity == "tensor":
        names = [name for group in shared.values() for name in group]
        decision = method.decide(gramian, names)
        return decision, decision.weights
    sizes = [len(names) for names in shared.values()]
    sums = torch.stack([part.sum(0) for part in gramian.split(sizes)])
    decision = method.decide(sums, list(shared))
    rows = zip(decision.weights, sizes, strict=True)
    return decision, torch.cat([row.expand(size, 2) for row, size in rows])


def _add_along(means: list[Tensor], asr: list[Tensor], weights: Tensor) -> Tensor:
    """Make asr[i] into asr[i] + (w[i, 1] - 1) means[i]; return the weights left."""
    for mean, grad, weight in zip(means, asr, weights[:, 1] - 1, strict=True):
        grad.addcmul_(mean, weight.to(grad.dtype))
    return torch.stack([weights[:, 0], torch.ones_like(weights[:, 1])], -1)


def weigh_in_place(
    enh_grads: list[Tensor], asr_grads: list[Tensor], weights: Tensor
) -> None:
    """Make asr_grads[i] into w[i, 0] enh_grads[i] + w[i, 1] asr_grads[i].

    A weight of 1 leaves its gradient as it is, bit for bit.
    """
    rows = weights.unbind()
    for enh, asr, row in zip(enh_grads, asr_grads, rows, strict=True):
        enh_weight, asr_weight = row.to(asr.dtype).unbind()
        asr.mul_(asr_weight).addcmul_(enh, enh_weight)
