"""Triangular systems and bases: right, and the same bits on any number of threads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import scipy.linalg
import torch

from unembed.products import cholesky, orthonormal, solve_lower


@pytest.fixture
def threads() -> Iterator[None]:
    """Leave torch with as many as it had."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def normal(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=random, dtype=torch.float64)


def a_root(d: int) -> torch.Tensor:
    values = normal(3 * d, d)
    return cholesky(torch.from_numpy(np.matmul(values.T.numpy(), values.numpy())))


@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (40, 300), (300, 40)])
def test_a_triangular_system_is_solved(shape: tuple[int, int]) -> None:
    root, right = a_root(shape[0]), normal(*shape, seed=1)
    expected = scipy.linalg.solve_triangular(root.numpy(), right.numpy(), lower=True)
    for given in (right, right.T.contiguous().T):
        np.testing.assert_allclose(
            solve_lower(root, given).numpy(), expected, rtol=1e-9, atol=1e-12
        )
    upper = root + normal(shape[0], shape[0]).triu(1)  # is not read
    np.testing.assert_array_equal(solve_lower(upper, right), solve_lower(root, right))


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (7, 3), (400, 400), (400, 90)])
def test_orthonormal_columns_span_what_they_are_made_of(shape: tuple[int, int]) -> None:
    columns = normal(*shape)
    found = orthonormal(columns).numpy()
    assert found.shape == shape
    np.testing.assert_allclose(np.matmul(found.T, found), np.eye(shape[1]), atol=1e-12)
    # in Gram and Schmidt's order: a column has a positive share of its own, and none of later ones
    shares = np.matmul(found.T, columns.numpy())
    assert (np.diagonal(shares) > 0).all()
    np.testing.assert_allclose(np.tril(shares, -1), 0, atol=1e-11)
    np.testing.assert_allclose(np.matmul(found, shares), columns.numpy(), atol=1e-11)


def test_they_are_uniformly_distributed() -> None:
    """As a rotation at random is: also its sign, which the factors of LAPACK have not."""
    found = np.stack([orthonormal(normal(3, 3, seed)).numpy() for seed in range(3000)])
    np.testing.assert_allclose(found.mean(0), 0, atol=0.05)
    np.testing.assert_allclose((found**2).mean(0), 1 / 3, atol=0.03)
    assert np.linalg.det(found).mean() == pytest.approx(0, abs=0.08)
    columns = normal(3, 3)
    np.testing.assert_allclose(orthonormal(-columns), -orthonormal(columns), atol=1e-14)


def test_the_same_bits_on_any_number_of_threads(threads: None) -> None:
    root, columns = a_root(500), normal(500, 500)
    made = []
    for count in (1, 2):
        torch.set_num_threads(count)
        made.append((solve_lower(root, columns), orthonormal(columns)))
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one, other)
