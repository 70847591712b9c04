"""Moments of sums of rows, against the whole product with the summed directions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from tests.pretend import DEVICE, pretended
from unembed import Sweep, SweepSettings, Unembedding, Vocabulary, prepare_unembedding
from unembed.sweep.mixtures import ROUNDS, mixture_moments, partners
from unembed.sweep.statistics import Moments

N, D = 3100, 20
"""Tokens: three whole blocks of sums, and a part of one."""


@pytest.fixture(scope="module")
def unembedding() -> Unembedding:
    random = torch.Generator().manual_seed(3)
    W_U = torch.randn(N, D, generator=random)
    W_U[::40] *= torch.linspace(1, 4, N)[::40, None]  # long rows, for shapes that are not normal
    W_U[:300, 0] += 2
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    return prepare_unembedding(W_U, vocabulary, name="m")


@pytest.fixture(scope="module")
def directions() -> torch.Tensor:
    """Rows of very different length: more than two groups of them."""
    random = torch.Generator().manual_seed(4)
    return torch.randn(300, D, generator=random) * torch.logspace(-1, 1, 300)[:, None]


def mixed(unembedding: Unembedding, rows: torch.Tensor, tile: int) -> tuple[np.ndarray, Moments]:
    """Read tile by tile, in the order of pairs: [2, P], the sums and then the differences."""
    parts = []
    for each in Sweep(unembedding, SweepSettings(tile=tile, device="cpu")).tiles(rows):
        std, moments = mixture_moments(each.z, each.features.std)
        parts.append(np.stack([std, *moments]).reshape(7, -1, 2))
    std, *of_z = np.concatenate(parts, axis=1).swapaxes(1, 2)
    return std, Moments(*of_z)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7, 8, 127, 128, 129, 130, 131, 300])
def test_no_two_pairs_are_alike(count: int) -> None:
    one, other = partners(count)
    pairs = {frozenset(pair) for pair in zip(one.tolist(), other.tolist(), strict=True)}
    assert len(pairs) == len(one)
    assert all(len(pair) == 2 for pair in pairs)  # and no row is its own partner
    assert all(0 <= row < count for pair in pairs for row in pair)
    assert all(min(pair) // 128 == max(pair) // 128 for pair in pairs)
    sizes = [128] * (count // 128) + [count % 128]
    assert len(one) == sum(size * min(ROUNDS, (size - 1) // 2) for size in sizes if size)


def test_moments_are_those_of_sums_and_differences(
    unembedding: Unembedding, directions: torch.Tensor
) -> None:
    std, of_z = mixed(unembedding, directions, 512)
    W_U, w = unembedding.W_U.double().numpy(), directions.double().numpy()
    one, other = partners(len(w))
    # what is summed has the same length: each row counts for the standard deviation it has
    for sign, at in ((1, 0), (-1, 1)):
        logits = np.matmul(w[one] + sign * w[other], W_U.T)
        spread = logits.std(1)
        np.testing.assert_allclose(std[at] * np.sqrt(2), spread, rtol=2e-6)
        np.testing.assert_allclose(of_z.skewness[at], scipy.stats.skew(logits, axis=1), atol=2e-5)
        kurtosis = scipy.stats.kurtosis(logits, axis=1, fisher=False)
        np.testing.assert_allclose(of_z.kurtosis[at], kurtosis, rtol=1e-5)
        z = (logits - logits.mean(1, keepdims=True)) / spread[:, None]
        left, right = (2 * (z.clip(*limits) ** 4).mean(1) for limits in ((None, 0), (0, None)))
        np.testing.assert_allclose(of_z.left_tail[at], left, rtol=2e-5)
        np.testing.assert_allclose(of_z.right_tail[at], right, rtol=2e-5)
    assert np.abs(of_z.skewness).max() > 0.1
    assert not np.allclose(of_z.kurtosis[0], of_z.kurtosis[1], rtol=0.01)


def test_the_size_of_a_tile_changes_no_bit(
    unembedding: Unembedding, directions: torch.Tensor
) -> None:
    std, of_z = mixed(unembedding, directions, 512)
    for tile in (128, 256):
        other_std, other = mixed(unembedding, directions, tile)
        np.testing.assert_array_equal(other_std, std)
        np.testing.assert_array_equal(np.stack(other), np.stack(of_z))


def test_on_a_device(unembedding: Unembedding, directions: torch.Tensor) -> None:
    (tile,) = Sweep(unembedding, SweepSettings(device="cpu")).tiles(directions)
    here_std, here = mixture_moments(tile.z, tile.features.std)
    with pretended() as mode:
        std, there = mixture_moments(tile.z.to(DEVICE), tile.features.std)
    np.testing.assert_allclose(std, here_std, rtol=1e-6)
    np.testing.assert_allclose(np.stack(there), np.stack(here), rtol=1e-5, atol=2e-6)
    assert mode.fetched > 1  # not all mixtures are there at once


@pytest.mark.parametrize("count", [1, 2])
def test_rows_that_have_no_partner(
    unembedding: Unembedding, directions: torch.Tensor, count: int
) -> None:
    (tile,) = Sweep(unembedding, SweepSettings(device="cpu")).tiles(directions[:count])
    std, of_z = mixture_moments(tile.z, tile.features.std)
    assert [len(each) for each in (std, *of_z)] == [0] * 7
    with pretended():
        there, _ = mixture_moments(tile.z.to(DEVICE), tile.features.std)
    assert len(there) == 0
