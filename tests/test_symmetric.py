"""Half of a symmetric matrix, and no zeros of a triangular one, against NumPy's plain products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from unembed.symmetric import congruence, gram, lower_product

WIDTHS = (1, 5, 255, 256, 257, 600)
"""One strip, cut and whole, and several."""


def random(*shape: int, seed: int = 0) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draws, dtype=torch.float64)


def close(found: Tensor, expected: np.ndarray) -> None:
    tolerance = 1e-13 * np.abs(expected).max()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=tolerance * len(expected))


@pytest.mark.parametrize("d", WIDTHS)
def test_gram(d: int) -> None:
    rows = random(70, d)
    found = gram(torch.split(rows, 30), d, torch.float64)
    close(found, np.matmul(rows.numpy().T, rows.numpy()))
    assert torch.equal(found, found.T)


def test_gram_of_products_in_float32() -> None:
    """Each part's product is rounded to float32, and their sum is not."""
    parts = [random(3, 600, seed=seed).float() for seed in range(40)]
    each = [np.matmul(part.numpy().T, part.numpy()).astype(np.float64) for part in parts]
    np.testing.assert_allclose(gram(parts, 600, torch.float32), sum(each), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("d", WIDTHS)
def test_congruence(d: int) -> None:
    root, square = random(d, d).tril(), random(d, d, seed=1)
    symmetric = square + square.T
    expected = np.matmul(np.matmul(root.numpy().T, symmetric.numpy()), root.numpy())
    close(congruence(root, symmetric).tril(), np.tril(expected))


@pytest.mark.parametrize("d", WIDTHS)
def test_lower_product(d: int) -> None:
    root, other = random(d, d).tril(), random(d, 7, seed=1)
    close(lower_product(root, other), np.matmul(root.numpy(), other.numpy()))


@pytest.mark.parametrize(
    "make",
    [
        lambda square: gram([square], len(square), torch.float32),
        lambda square: congruence(square.tril(), square @ square.T),
        lambda square: lower_product(square.tril(), square),
    ],
    ids=["gram", "congruence", "lower product"],
)
def test_the_same_bits_on_any_number_of_threads(make: Callable[[Tensor], Tensor]) -> None:
    square, before = random(700, 700), torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(make(square))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
