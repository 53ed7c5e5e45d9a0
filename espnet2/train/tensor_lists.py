"""Arithmetic on lists of tensors, in few operations of the device.

Each operation that a GPU is given takes some microseconds to start, however small its
tensor is. So the small tensors of a list share operations, for which their factors are
written out to full size; a large tensor has operations of its own and is not copied.
Nothing here makes the host wait for the device.
"""

import functools
import itertools

import torch
from torch import Tensor

# Elements up to which a tensor shares operations with others: 32 kB of float32.
SMALL = 2**13


def gramians(*lists: list[Tensor]) -> Tensor:
    """Return the (n, k, k) float64 Gramians of k lists of n contiguous tensors.

    Products are summed in the tensors' dtype, at least float32. On a CPU all are
    dot products, which there are faster than norms, and exacter: torch adds up the
    squares of a large float32 tensor one after the other.
    """
    k, vectors = len(lists), [_as_vectors(tensors) for tensors in lists]
    is_cpu = vectors[0][0].device.type == "cpu"
    found = list(map(_dots if is_cpu else torch._foreach_norm, vectors))
    pairs = list(itertools.combinations(range(k), 2))
    found += [map(torch.dot, vectors[i], vectors[j]) for i, j in pairs]
    rows = torch.stack([*itertools.chain(*found)]).double().view(len(found), -1)
    if not is_cpu:
        rows[:k].square_()
    where = {pair: k + index for index, pair in enumerate(pairs)}
    cells = [where.get((min(i, j), max(i, j)), i) for i in range(k) for j in range(k)]
    return torch.stack([rows[cell] for cell in cells], -1).view(-1, k, k)


def spread(factors: Tensor, tensors: list[Tensor]) -> list[list[Tensor]]:
    """Return k lists of factors for n tensors, for ``scale_`` and ``add_scaled_``.

    Args:
        factors: (n, k), any floating dtype.
        tensors: what the factors are for; their dtype is that of the factors returned.
    """
    dtypes = {tensor.dtype for tensor in tensors}
    columns = factors.to(functools.reduce(torch.promote_types, dtypes)).unbind(-1)
    result = [list(column.unbind()) for column in columns]
    small = [index for index, tensor in enumerate(tensors) if _is_small(tensor)]
    if small:
        sizes = [tensors[index].numel() for index in small] * len(result)
        scalars = [column[index] for column in result for index in small]
        rows = [
            scalar.expand(size) for scalar, size in zip(scalars, sizes, strict=True)
        ]
        pieces = iter(torch.cat(rows).split(sizes))
        for column in result:
            for index in small:
                column[index] = next(pieces).view_as(tensors[index])
    return result


def scale_(tensors: list[Tensor], factors: list[Tensor]) -> None:
    """Multiply tensors in place by their factors; by 1 leaves them as they are."""
    for tensor, factor in zip(tensors, factors, strict=True):
        if not _is_small(tensor):
            tensor.mul_(factor)
    small = [pair for pair in zip(tensors, factors, strict=True) if _is_small(pair[0])]
    if small:
        torch._foreach_mul_(*map(list, zip(*small, strict=True)))


def add_scaled_(
    tensors: list[Tensor], others: list[Tensor], factors: list[Tensor]
) -> None:
    """Add the others, times their factors, to the tensors in place."""
    triples = list(zip(tensors, others, factors, strict=True))
    for tensor, other, factor in triples:
        if not _is_small(tensor):
            tensor.addcmul_(other, factor)
    small = [triple for triple in triples if _is_small(triple[0])]
    if small:
        torch._foreach_addcmul_(*map(list, zip(*small, strict=True)))


def _is_small(tensor: Tensor) -> bool:
    return tensor.numel() <= SMALL


def _dots(vectors: list[Tensor]) -> list[Tensor]:
    return [torch.dot(vector, vector) for vector in vectors]


def _as_vectors(tensors: list[Tensor]) -> list[Tensor]:
    return [
        t.flatten().to(torch.promote_types(t.dtype, torch.float32)) for t in tensors
    ]
