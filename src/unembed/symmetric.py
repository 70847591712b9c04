"""Symmetric matrices, of which half is computed, and triangular ones, whose zeros are not.

All of it takes time like d³, on as many threads as there are, and comes to the same bits on any
number (`products`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from unembed.products import product

_STRIP = 256
"""Rows that are computed together: the fewer, the less beyond the diagonal."""


def gram(
    parts: Iterable[Float[Tensor, "rows d"]],
    d: int,
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "d d"]:
    """Return Σ partᵀ part over parts of a matrix, in float64.

    Args:
        parts: [·, d] of enough rows to be worth an addition of [d, d].
        d: how wide they are.
        dtype: that each part's product is made in, before it is added.
        device: that the parts are on.
    """
    total = torch.zeros(d, d, dtype=torch.float64, device=device)
    for part in parts:
        columns = part.T.contiguous().to(dtype)  # rows of it are what a product reads fastest
        for strip in _strips(d):
            total[strip, : strip.stop] += product(columns[strip], columns[: strip.stop].T)
    return _mirrored(total)


def congruence(root: Float[Tensor, "d d"], matrix: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """Return the lower half of rootᵀ matrix root, with zeros above the diagonal's strips.

    Args:
        root: lower triangular.
        matrix: symmetric.
    """
    half, whole = (matrix.new_zeros(matrix.shape) for _ in range(2))
    for strip in _strips(len(root)):
        product(root[strip.start :, strip].T, matrix[strip.start :], out=half[strip])
    for strip in _strips(len(root)):
        right = half[: strip.stop, strip.start :].T
        product(root[strip.start :, strip].T, right, out=whole[strip, : strip.stop])
    return whole


def lower_product(root: Float[Tensor, "d d"], other: Float[Tensor, "d k"]) -> Float[Tensor, "d k"]:
    """Return root @ other, where root is lower triangular.

    >>> lower_product(torch.tensor([[1.0, 0.0], [2.0, 3.0]]), torch.ones(2, 1)).tolist()
    [[1.0], [5.0]]
    """
    made = other.new_empty(other.shape)
    for strip in _strips(len(root)):
        product(root[strip, : strip.stop], other[: strip.stop], out=made[strip])
    return made


def _mirrored(matrix: Tensor) -> Tensor:
    """Return a matrix whose lower half is written over its upper one, in place."""
    for strip in _strips(len(matrix)):
        matrix[: strip.start, strip] = matrix[strip, : strip.start].T
        corner = matrix[strip, strip]
        corner.copy_(corner.tril() + corner.tril(-1).T)
    return matrix


def _strips(d: int) -> Iterator[slice]:
    return (slice(at, min(at + _STRIP, d)) for at in range(0, d, _STRIP))
