"""What a label explains, against regression on the whole rows."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from tests.pretend import DEVICE, pretended
from unembed.explanation.cells import cell_sums
from unembed.explanation.evidence import regress
from unembed.sweep import device

N = 3000


def sums_of(z: np.ndarray, *of: np.ndarray) -> np.ndarray:
    return cell_sums(torch.from_numpy(z), *of)


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, list[np.ndarray], np.ndarray, np.ndarray]:
    """Rows of z, sets that overlap and nest, and the sets as one matrix."""
    random = np.random.default_rng(0)
    sets = [np.sort(random.choice(N, size, replace=False)) for size in (12, 900, 40, 2700)]
    sets.append(np.sort(random.choice(sets[1], 80, replace=False)))  # inside the second
    sets.append(np.setdiff1d(np.arange(N), sets[3]))
    z = random.standard_t(6, (4, N))
    z[0, sets[0]] += 6
    z[1, sets[1]] += 0.5
    z = (z - z.mean(1, keepdims=True)) / z.std(1, keepdims=True)
    indptr = np.concatenate([[0], np.cumsum([len(s) for s in sets])])
    return z.astype(np.float32), sets, indptr, np.concatenate(sets).astype(np.int32)


@pytest.mark.parametrize(
    "parts", [(0,), (1, 4), (3, 2, 1), (0, 1, 2)], ids=lambda parts: "+".join(map(str, parts))
)
def test_variance_and_kurtosis_are_those_of_the_residuals(made, parts: tuple[int, ...]) -> None:
    z, sets, indptr, rows = made
    named = np.full((len(z), 3), -1)
    named[:, : len(parts)] = parts
    design = np.ones((N, 1 + len(parts)))
    for column, part in enumerate(parts):
        design[:, 1 + column] = np.isin(np.arange(N), sets[part])
    explained = regress(sums_of(z, np.arange(len(z)), named, indptr, rows))
    for row, found in zip(z.astype(np.float64), explained, strict=True):
        residual = row - design @ np.linalg.lstsq(design, row, rcond=None)[0]
        assert found.variance == pytest.approx(1 - residual.var() / row.var(), abs=1e-10)
        assert found.kurtosis_left == pytest.approx(
            scipy.stats.kurtosis(residual, fisher=False), rel=1e-9
        )


@pytest.mark.parametrize("parts", [(0, -1, -1), (3, -1, -1), (3, 2, 1), (3, 5, -1), (1, 4, 0)])
def test_sums_of_cells_are_those_of_their_tokens(made, parts: tuple[int, ...]) -> None:
    """Of all tokens, also where none or few are in no part: the sixth set is all but the fourth."""
    z, sets, indptr, rows = made
    features = np.array([2, 0])
    found = sums_of(z, features, np.tile(parts, (2, 1)), indptr, rows)
    cell = sum(
        2**p * np.isin(np.arange(N), sets[part]) for p, part in enumerate(parts) if part >= 0
    )
    for of, feature in zip(found, features, strict=True):
        for number in range(8):
            inside = z[feature, cell == number].astype(np.float64)
            powers = [(inside**power).sum() for power in range(5)]
            np.testing.assert_allclose(of[number], powers, rtol=1e-9, atol=1e-10)
            assert of[number, 0] == len(inside)


def test_sums_of_a_tile_on_a_device(made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which few rows are widened at once."""
    z, _, indptr, rows = made
    of = np.array([2, 0, 3]), np.array([[0, 1, 2], [1, 4, -1], [3, -1, -1]]), indptr, rows
    monkeypatch.setattr(device, "BYTES", 2 * 16 * N)
    with pretended():
        there = cell_sums(torch.from_numpy(z).to(DEVICE), *of)
    np.testing.assert_allclose(there, sums_of(z, *of), rtol=1e-12, atol=1e-9)


def test_a_feature_is_explained_alike_beside_others(made) -> None:
    z, _, indptr, rows = made
    parts = np.array([[0, 1, 2], [1, 4, -1], [3, -1, -1], [-1, -1, -1]])
    together = regress(sums_of(z, np.arange(4), parts, indptr, rows))
    for at in range(4):
        (alone,) = regress(sums_of(z, np.array([at]), parts[at : at + 1], indptr, rows))
        assert alone == together[at]
    assert together[3].variance == pytest.approx(0, abs=1e-12)


def test_the_same_set_twice_explains_no_more(made) -> None:
    z, _, indptr, rows = made
    parts = np.array([[0, -1, -1], [0, 0, -1]])
    once, twice = regress(sums_of(z, np.zeros(2, int), parts, indptr, rows))
    assert once == pytest.approx(twice)


def test_nothing_is_left_of_a_row_that_is_its_set(made) -> None:
    _, sets, indptr, rows = made
    z = np.isin(np.arange(N), sets[0]).astype(np.float32)[None]
    (found,) = regress(sums_of(z, np.array([0]), np.array([[0, -1, -1]]), indptr, rows))
    assert found.variance == pytest.approx(1)
