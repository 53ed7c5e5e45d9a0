"""Two losses' gradients, keyed by parameter name, made into one gradient.

Where a parameter is reached by both losses and lies under ``shared_params`` the chosen
method decides; everywhere else the plain sum holds.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from espnet2.train.gradient_decision import Decision
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.group_decision import Groups, decide, decide_by_means, names_of
from espnet2.train.tensor_lists import add_scaled_, scale_, spread

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


def combine(
    enh_grads: Gradients,
    asr_grads: Gradients,
    groups: Groups,
    method: GradientMethod,
    scale: Tensor | None = None,
) -> Surgery:
    """Return the gradient of every parameter that a loss reaches.

    The gradient of a shared parameter is w0 G_SE + w1 G_ASR. With ``smoothing`` the
    weights follow from r, the running mean of G_ASR, in its place, and what the method
    adds to the ASR gradient it adds along r: w0 G_SE + G_ASR + (w1 - 1) r. Then its
    ``rescale`` may weigh w0 G_SE + (w1 - 1) r against G_ASR.

    Works in place: both inputs' tensors are overwritten. No memory of their size is
    added, but for the running means, and beside them while they are updated.

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
    names = names_of(shared)
    combined = dict(asr_grads)
    if method.wants_enh:
        for name in enh_grads.keys() - set(names):
            enh = enh_grads[name]
            combined[name] = combined[name].add_(enh) if name in combined else enh
    if not names:
        return Surgery(combined, [], None)
    pairs = ([grads[name] for name in names] for grads in (enh_grads, asr_grads))
    decision = _operate(*pairs, shared, method, scale)
    keys = names if method.conf.granularity == "tensor" else list(shared)
    return Surgery(combined, keys, decision)


def _operate(
    enh: list[Tensor],
    asr: list[Tensor],
    shared: Groups,
    method: GradientMethod,
    scale: Tensor | None,
) -> Decision:
    """Make the n tensors ``asr`` into the combined gradients; return the decision."""
    if scale is not None:
        torch._foreach_mul_([*enh, *asr], scale.double().reciprocal().to(scale.dtype))
    if method.smoothed is None:
        decision, weights = decide(enh, asr, shared, method)
        sums = []
    else:
        decision, weights, sums = decide_by_means(enh, asr, shared, method)
    if scale is not None:
        weights = weights * scale
    of_enh, of_asr, *of_sums = spread(weights, asr)
    if not sums or method.rescales:
        scale_(asr, of_asr)
    elif scale is not None:
        torch._foreach_mul_(asr, scale)
    if sums:
        add_scaled_(asr, sums, *of_sums)
    if method.wants_enh:  # else 0 times an Inf in it would be NaN
        add_scaled_(asr, enh, of_enh)
    return decision


def _reached_by_both(
    enh_grads: Gradients, asr_grads: Gradients, groups: Groups
) -> Groups:
    """Return the groups with only the names that have both gradients."""
    both = {
        group: [name for name in names if name in enh_grads and name in asr_grads]
        for group, names in groups.items()
    }
    return {group: names for group, names in both.items() if names}
