"""Best matches of rows: a loop over the whole matrix of products says what they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch

from unembed.matching import best
from unembed.matching.best import best_matches, z_of


def unit(rows: int, d: int, seed: int, zero: tuple[int, ...] = ()) -> torch.Tensor:
    drawn = torch.randn(rows, d, generator=torch.Generator().manual_seed(seed))
    drawn /= torch.linalg.vector_norm(drawn, dim=1, keepdim=True)
    drawn[list(zero)] = 0
    return drawn


def z(cosine: float, chance: float) -> float:
    return math.copysign(math.sqrt(-math.log(1 - cosine**2)), cosine) / chance


@pytest.mark.parametrize("block", [1, 3, 1024])
@pytest.mark.parametrize("by_z", [False, True])
@pytest.mark.parametrize("itself", [False, True])
def test_best_of_all_products(
    block: int, by_z: bool, itself: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best, "_BLOCK", block)
    a = unit(11, 5, 1, zero=(2, 10))
    b = a if itself else unit(9, 5, 2, zero=(0, 4))
    chance = torch.linspace(0.05, 0.6, len(b)) if by_z else None
    found = best_matches(a, b, chance, np.arange(len(a)) if itself else None)
    for i in range(len(a)):
        candidates = [j for j in range(len(b)) if b[j].any() and not (itself and i == j)]
        products = {
            j: float(a[i] @ b[j]) if chance is None else z(float(a[i] @ b[j]), float(chance[j]))
            for j in candidates
        }
        for side, choose in ((found.alike, max), (found.opposite, min)):
            if not a[i].any():
                assert side.row[i] == -1
                assert np.isnan(side.cosine[i])
                continue
            expected = choose(products, key=products.__getitem__)
            assert side.row[i] == expected
            assert side.cosine[i] == pytest.approx(float(a[i] @ b[expected]), abs=1e-6)


def test_nothing_to_match() -> None:
    for found in (
        best_matches(unit(3, 4, 0), torch.zeros(2, 4)),
        best_matches(torch.zeros(3, 4), unit(2, 4, 0)),
    ):
        for side in found:
            assert side.row.tolist() == [-1] * 3
            assert np.isnan(side.cosine).all()


def test_a_row_alone_with_itself_has_no_match() -> None:
    alone = unit(1, 4, 0)
    for side in best_matches(alone, alone, own=np.array([0])):
        assert side.row.tolist() == [-1]


def test_of_equal_products_the_first() -> None:
    row = unit(1, 4, 0)
    assert best_matches(row, row.repeat(3, 1)).alike.row.tolist() == [0]


def test_z_is_the_tail_of_directions_in_space() -> None:
    """In k dimensions P(|cos| > c) is a regularised incomplete beta function."""
    k = 50
    for c in (0.01, 0.3, 0.6, 0.9):
        found = float(z_of(torch.tensor([c]), torch.tensor([k**-0.5])))
        log_p = scipy.stats.beta.logsf(c**2, 0.5, (k - 1) / 2)
        assert scipy.stats.norm.logsf(found) + math.log(2) == pytest.approx(log_p, abs=0.06 * k * c)
    assert float(z_of(torch.tensor([0.01]), torch.tensor([0.1]))) == pytest.approx(0.1, rel=1e-3)
    assert 3 < float(z_of(torch.tensor([-1.0]), torch.tensor([-1.0]))) < 5
