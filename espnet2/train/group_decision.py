"""What a method decides for tensors or groups of them, by the step or by its means."""

from collections.abc import Callable

import torch
from torch import Tensor

from espnet2.train.gradient_decision import Decision
from espnet2.train.gradient_method import GradientMethod
from espnet2.train.gradient_smoothing import turned_gramians, with_means
from espnet2.train.tensor_lists import gramians

Groups = dict[str, list[str]]  # names of shared tensors by their prefix


def decide(
    enh: list[Tensor], asr: list[Tensor], shared: Groups, method: GradientMethod
) -> tuple[Decision, Tensor]:
    """Return the decision, and weights (n, 2), float64, of the n tensors' gradients."""
    return _decide(gramians(enh, asr), shared, method, method.decide)


def decide_by_means(
    enh: list[Tensor], asr: list[Tensor], shared: Groups, method: GradientMethod
) -> tuple[Decision, Tensor, list[Tensor]]:
    """Return the decision, weights (n, 3), and the sums m_t, which the third are for.

    The method decides by the running means of ``asr``; then, if it does so, it balances
    the lengths of what comes of that and of ``asr`` itself.
    """
    sums, shares = method.smoothed.update(names_of(shared), asr)
    rescales = method.rescales and method.conf.rescale
    found = gramians(enh, sums, *([asr] if rescales else []))
    found = with_means(found, shares)
    decision, weights = _decide(found[:, :2, :2], shared, method, method.decide)
    of_enh, added = weights[:, 0], weights[:, 1] - 1
    of_asr = torch.ones_like(added)
    if rescales:
        turned = turned_gramians(found, of_enh, added)
        second, weights = _decide(turned, shared, method, method.rescale)
        shrink, of_asr = weights.unbind(-1)
        of_enh, added = of_enh * shrink, added * shrink
        decision = decision._replace(rescaled=second.rescaled, stretch=second.stretch)
    return decision, torch.stack([of_enh, of_asr, added / shares], -1), sums


def names_of(groups: Groups) -> list[str]:
    """Return the names of all groups."""
    return [name for names in groups.values() for name in names]


def _decide(
    gramian: Tensor,
    shared: Groups,
    method: GradientMethod,
    decide: Callable[[Tensor, list[str]], Decision],
) -> tuple[Decision, Tensor]:
    """Return the decisions and, from them, weights (n, 2) for the n tensors.

    ``decide`` is one of the method's two steps.
    """
    if method.conf.granularity == "tensor":
        decision = decide(gramian, names_of(shared))
        return decision, decision.weights
    sizes = [len(names) for names in shared.values()]
    sums = torch.stack([part.sum(0) for part in gramian.split(sizes)])
    decision = decide(sums, list(shared))
    rows = zip(decision.weights, sizes, strict=True)
    return decision, torch.cat([row.expand(size, 2) for row, size in rows])
