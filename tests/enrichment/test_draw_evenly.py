"""Random directions that are spread evenly: alike those that are not, and closer to M together."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from unembed import Features
from unembed.enrichment import SecondMoment

D = 20


@pytest.fixture(scope="module")
def moment() -> SecondMoment:
    random = torch.Generator().manual_seed(5)
    mixing = torch.randn(D, D, generator=random) * torch.linspace(0.3, 2, D)
    return SecondMoment.of(Features.from_array(torch.randn(2000, D, generator=random) @ mixing))


def whitened(moment: SecondMoment, rows: torch.Tensor) -> np.ndarray:
    return np.linalg.solve(np.linalg.cholesky(moment.matrix.numpy()), rows.double().numpy().T).T


def test_together_they_have_the_second_moment(moment: SecondMoment) -> None:
    """To rounding, where they are whole blocks."""
    M = moment.matrix.numpy()
    for count in (D, 40 * D):
        rows = moment.draw_evenly(count, 1).double().numpy()
        np.testing.assert_allclose(np.matmul(rows.T, rows) / count, M, atol=1e-6 * M.max())
    rows = moment.draw_evenly(50 * D + 7, 2).double().numpy()
    np.testing.assert_allclose(np.matmul(rows.T, rows) / len(rows), M, atol=0.01 * M.max())


def test_as_many_as_there_are_dimensions_are_orthogonal(moment: SecondMoment) -> None:
    seen = whitened(moment, moment.draw_evenly(2 * D + 7, 3))
    for block in np.split(seen, [D, 2 * D]):
        products = np.matmul(block, block.T)
        np.testing.assert_allclose(products, D * np.eye(len(block)), atol=1e-4)
    between = np.matmul(seen[:D], seen[D : 2 * D].T)
    assert np.abs(between).max() > 1  # another block is drawn anew


def test_each_is_a_random_direction(moment: SecondMoment) -> None:
    """Of which any one coordinate is distributed as that of a direction drawn by itself."""
    seen = whitened(moment, moment.draw_evenly(4000, 4))
    sphere = np.random.default_rng(0).standard_normal((4000, D))
    sphere *= D**0.5 / np.linalg.norm(sphere, axis=1, keepdims=True)
    for axis in (0, 7, D - 1):
        assert scipy.stats.ks_2samp(seen[:, axis], sphere[:, axis]).pvalue > 0.01
    assert np.abs(seen.mean(0)).max() < 4 / 4000**0.5


def test_seeds(moment: SecondMoment) -> None:
    one, same, other = (moment.draw_evenly(50, seed) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.dtype == torch.float32


@pytest.mark.parametrize("count", [1, 5, D, D + 1])
def test_as_many_as_are_asked_for(moment: SecondMoment, count: int) -> None:
    rows = moment.draw_evenly(count, 1)
    assert rows.shape == (count, D)
    assert rows.any(dim=1).all()
    np.testing.assert_allclose(moment.draw_evenly(D, 1)[:1], moment.draw_evenly(3 * D, 1)[:1])


def test_of_one_dimension() -> None:
    """The sphere has two points then."""
    rows = SecondMoment.identity(1).draw_evenly(200, 0)
    assert rows.abs().unique().tolist() == [1.0]
    assert 60 < int((rows > 0).sum()) < 140
