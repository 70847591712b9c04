"""Pairs beyond chance, and the assignment: a plain loop and SciPy's dense solver say what is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from tests.matching.test_best import unit
from unembed.matching import pairs as module
from unembed.matching.fates import fates_of
from unembed.matching.pairs import (
    Alike,
    assigned,
    best_of_both,
    chosen_of,
    mutual_best,
    nearest,
    pairs_beyond,
    turned,
)


def z(cosine: float, ours: float, theirs: float) -> float:
    return math.copysign(math.sqrt(-math.log(1 - cosine**2)), cosine) / math.sqrt(ours * theirs)


@pytest.mark.parametrize("block", [1, 3, 512])
def test_pairs_beyond_a_cutoff(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    a, b = unit(11, 5, 1, zero=(2, 10)), unit(9, 5, 2, zero=(0, 4))
    chance_a, chance_b = torch.linspace(0.1, 0.5, 11), torch.linspace(0.6, 0.05, 9)
    found = pairs_beyond(a, b, chance_a, chance_b, 1.5)
    assert found is not None
    every = {
        (i, j): z(float(a[i] @ b[j]), float(chance_a[i]), float(chance_b[j]))
        for i in range(11)
        for j in range(9)
    }
    expected = {pair: value for pair, value in every.items() if value > 1.5}
    assert len(expected) > 5
    assert {*zip(found.ours.tolist(), found.theirs.tolist(), strict=True)} == {*expected}
    for i, j, cosine, value in zip(*found, strict=True):
        assert cosine == pytest.approx(float(a[i] @ b[j]), abs=1e-6)
        assert value == pytest.approx(expected[i, j], rel=1e-4)
    assert pairs_beyond(a, b, chance_a, chance_b, 1.5, most=len(expected) - 1) is None
    nothing = pairs_beyond(a, b, chance_a, chance_b, math.nan)
    assert nothing is not None
    assert not len(nothing.z)


def test_nearest_and_most_opposite() -> None:
    a, b = unit(12, 5, 1, zero=(2,)), unit(9, 5, 2, zero=(4,))
    chance_a, chance_b = torch.linspace(0.1, 0.5, 12), torch.linspace(0.6, 0.05, 9)
    alike, opposite = nearest(a, b, chance_a, chance_b)
    for i in set(range(12)) - {2}:
        every = {j: z(float(a[i] @ b[j]), float(chance_a[i]), float(chance_b[j]))
                 for j in set(range(9)) - {4}}  # fmt: skip
        for side, choose in ((alike, max), (opposite, min)):
            expected = choose(every, key=every.__getitem__)
            assert side.row[i] == expected
            assert side.z[i] == pytest.approx(every[expected], rel=1e-4)
    assert (alike.row[2], opposite.row[2]) == (-1, -1)
    assert np.isnan(alike.z[2])


def some_pairs(seed: int, n_ours: int, n_theirs: int, count: int) -> Alike:
    random = np.random.default_rng(seed)
    flat = random.choice(n_ours * n_theirs, count, replace=False)
    value = random.gamma(2, 3, count).astype(np.float32) + 4
    return Alike(flat // n_theirs, flat % n_theirs, value / 40, value)


@pytest.mark.parametrize(
    ("n_ours", "n_theirs", "count"), [(40, 40, 300), (60, 25, 200), (20, 70, 500), (30, 30, 12)]
)
@pytest.mark.parametrize("seed", range(4))
def test_the_assignment_is_that_of_a_dense_solver(
    n_ours: int, n_theirs: int, count: int, seed: int
) -> None:
    """The largest sum of z² over pairs of which no feature is in two."""
    pairs = some_pairs(seed, n_ours, n_theirs, count)
    dense = np.zeros((n_ours, n_theirs))
    dense[pairs.ours, pairs.theirs] = pairs.z.astype(float) ** 2
    row, column = linear_sum_assignment(dense, maximize=True)
    expected = {(i, j) for i, j in zip(row.tolist(), column.tolist(), strict=True) if dense[i, j]}
    chosen = chosen_of(pairs, assigned(pairs, n_ours, n_theirs))
    assert {*zip(chosen.ours.tolist(), chosen.theirs.tolist(), strict=True)} == expected


def test_of_no_pairs_none() -> None:
    none = Alike(*(np.zeros(0, kind) for kind in (np.int64, np.int64, np.float32, np.float32)))
    assert assigned(none, 3, 4).tolist() == []


def test_mutual_best_pairs() -> None:
    a, b = unit(30, 4, 1), unit(20, 4, 2)
    ones = torch.ones(30), torch.ones(20)
    products = (a @ b.T).numpy()
    ours, theirs = nearest(a, b, *ones)[0], nearest(b, a, *ones[::-1])[0]
    cutoff = float(np.median(ours.z))
    found = mutual_best(ours, theirs, cutoff)
    expected = [
        (i, int(j))
        for i, j in enumerate(products.argmax(1))
        if products[:, j].argmax() == i and ours.z[i] > cutoff
    ]
    assert [*zip(found.ours.tolist(), found.theirs.tolist(), strict=True)] == expected
    both = best_of_both(ours, theirs, cutoff)
    rows = {(i, int(products[i].argmax())) for i in range(30) if ours.z[i] > cutoff}
    columns = {(int(products[:, j].argmax()), j) for j in range(20) if theirs.z[j] > cutoff}
    listed = [*zip(both.ours.tolist(), both.theirs.tolist(), strict=True)]
    assert {*listed} == rows | columns
    assert len(listed) == len({*listed})


def test_a_piece_adds_to_the_partner() -> None:
    """By the partial correlation, as ordinary regression has it."""
    random = np.random.default_rng(0)
    table = random.standard_normal((400, 3))
    table[:, 0] = table[:, 1] + 0.7 * table[:, 2] + 0.5 * random.standard_normal(400)
    table -= table.mean(0)
    unit_columns = torch.from_numpy(table / np.linalg.norm(table, axis=0)).T.float()
    a, b = unit_columns[:1], unit_columns[1:]
    cosine = (a @ b.T)[0].numpy()
    left = [
        column - table[:, 1] * (column @ table[:, 1]) / (table[:, 1] @ table[:, 1])
        for column in (table[:, 0], table[:, 2])
    ]
    partial = np.corrcoef(*left)[0, 1]
    chance = torch.full((1,), 0.05), torch.full((2,), 0.05)
    for cutoff, pieces in ((z(partial, 0.05, 0.05) - 0.01, [1]),
                           (z(partial, 0.05, 0.05) + 0.01, [])):  # fmt: skip
        zs = np.array([z(c, 0.05, 0.05) for c in cosine], np.float32)
        alike = Alike(np.array([0, 0]), np.array([0, 1]), cosine, zs)
        pairs = Alike(*(column[:1] for column in alike))
        fates = fates_of(alike, pairs, b, *chance, cutoff)
        assert fates.piece.tolist() == pieces
    assert turned(alike).ours.tolist() == [0, 1]
