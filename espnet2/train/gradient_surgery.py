"""Two losses' gradients, keyed by parameter name, made into one gradient.

Where a parameter is reached by both losses and lies under ``shared_params`` the chosen
method decides; everywhere else the plain sum holds.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_remedy import Remedy, remedy

Gradients = dict[str, Tensor]


class Surgery(NamedTuple):
    """A combined gradient and the statistics of the decisions (0-dim tensors)."""

    gradients: Gradients
    statistics: dict[str, Tensor]


def named_gradients(
    loss: Tensor, parameters: dict[str, Tensor], retain_graph: bool = False
) -> Gradients:
    """Return d loss / d parameter for the parameters that ``loss`` reaches."""
    gradients = torch.autograd.grad(
        loss, list(parameters.values()), retain_graph=retain_graph, allow_unused=True
    )
    found = zip(parameters, gradients, strict=True)
    return {name: grad for name, grad in found if grad is not None}


def gramians(enh_grads: list[Tensor], asr_grads: list[Tensor]) -> Tensor:
    """Return the (n, 2, 2) float64 Gramians of n pairs of tensors.

    Row and column 0 are the SE gradient, 1 the ASR gradient. Products are summed in the
    gradients' dtype, at least float32. No host synchronisation.
    """

    def dot(left: Tensor, right: Tensor) -> Tensor:
        dtype = torch.promote_types(left.dtype, torch.float32)
        return torch.dot(left.flatten().to(dtype), right.flatten().to(dtype))

    pairs = list(zip(enh_grads, asr_grads, strict=True))
    enh_enh = torch.stack([dot(enh, enh) for enh, _ in pairs]).double()
    enh_asr = torch.stack([dot(enh, asr) for enh, asr in pairs]).double()
    asr_asr = torch.stack([dot(asr, asr) for _, asr in pairs]).double()
    return torch.stack([enh_enh, enh_asr, enh_asr, asr_asr], -1).unflatten(-1, (2, 2))


def decide(gramian: Tensor, method: str, conf: GradientConf) -> Remedy:
    """Return the weights that ``method`` gives the pairs of Gramians (n, 2, 2).

    ``sum`` and ``asr_only`` report the same angles and ratios, but nothing rescaled.
    """
    decision = remedy(
        gramian, conf.threshold, conf.max_stretch, conf.projection, conf.rescale
    )
    if method == "remedy":
        return decision
    weights = torch.ones_like(decision.weights)
    if method == "asr_only":
        weights[..., 0] = 0
    return decision._replace(
        weights=weights,
        rescaled=torch.zeros_like(decision.rescaled),
        stretch=torch.ones_like(decision.stretch),
    )


def statistics(decision: Remedy) -> dict[str, Tensor]:
    """Return what a user watches, over the pairs with two non-zero gradients.

    Mean cosine, share in conflict, share rescaled, median norm ratio |G_SE|/|G_ASR| and
    largest stretch; nan where there is no such pair.
    """
    valid = decision.norm_ratio > 0
    missing = torch.full_like(decision.cosine, float("nan"))

    def share(value: Tensor) -> Tensor:
        return torch.where(valid, value.double(), missing).nanmean()

    stretch = torch.where(valid, decision.stretch, torch.zeros_like(missing)).max()
    return {
        "grad_cosine": share(decision.cosine),
        "grad_conflict": share(decision.conflict),
        "grad_rescaled": share(decision.rescaled),
        "grad_ratio": torch.where(valid, decision.norm_ratio, missing).nanmedian(),
        "grad_stretch": torch.where(valid.any(), stretch, missing[0]),
    }


def combine(
    enh_grads: Gradients,
    asr_grads: Gradients,
    groups: dict[str, list[str]],
    method: str,
    conf: GradientConf,
) -> Surgery:
    """Return the gradient of every parameter that a loss reaches.

    Args:
        enh_grads: SE gradients by parameter name; a missing name counts as zero.
        asr_grads: ASR gradients by parameter name, likewise.
        groups: {prefix: names} of the shared parameters, see ``resolve_shared_params``.
        method: "remedy", "sum" or "asr_only".
        conf: thresholds and granularity of the remedy.

    Returns:
        ``Surgery``; its statistics are empty if no parameter has both gradients.
    """
    names, group_index = [], []
    for index, group in enumerate(groups.values()):
        both = [name for name in group if name in enh_grads and name in asr_grads]
        names += both
        group_index += [index] * len(both)
    decided = set(names) if method == "remedy" else set()
    combined = dict(asr_grads)
    if method != "asr_only":
        for name, grad in enh_grads.items():
            if name not in decided:
                combined[name] = combined[name] + grad if name in combined else grad
    if not names:
        return Surgery(combined, {})
    enh = [enh_grads[name] for name in names]
    asr = [asr_grads[name] for name in names]
    gramian = gramians(enh, asr)
    index = None
    if conf.granularity == "module":
        index = torch.tensor(group_index, device=gramian.device)
        gramian = gramian.new_zeros(len(groups), 2, 2).index_add(0, index, gramian)
    decision = decide(gramian, method, conf)
    if method == "remedy":
        weights = decision.weights if index is None else decision.weights[index]
        combined.update(zip(names, weighted_sum(enh, asr, weights), strict=True))
    return Surgery(combined, statistics(decision))


def weighted_sum(
    enh_grads: list[Tensor], asr_grads: list[Tensor], weights: Tensor
) -> list[Tensor]:
    """Return w[i, 0] enh_grads[i] + w[i, 1] asr_grads[i], in the gradients' dtypes.

    A weight of 1 leaves its gradient as it is, bit for bit.
    """
    total = torch._foreach_mul(enh_grads, list(weights[:, 0].unbind()))
    torch._foreach_add_(
        total, torch._foreach_mul(asr_grads, list(weights[:, 1].unbind()))
    )
    return list(total)
