"""How far what features read and write agree, against a naive loop over pairs of features."""

from __future__ import annotations

import numpy as np
import pytest

from unembed.enrichment.shared_sets import shared_sets
from unembed.matching.sides import agreement

F, S = 40, 90
LEVEL = 0.02


def rows(seed: int, common: float = 0.0) -> np.ndarray:
    """Rows of z, with something that all of them have in common."""
    random = np.random.default_rng(seed)
    found: np.ndarray = random.standard_normal((F, S)) + common * np.linspace(-2, 2, S)
    return found.astype(np.float32)


def sides() -> tuple[np.ndarray, np.ndarray]:
    """Rows of which 0 to 3 agree, 4 and 5 are opposite, and 6 shares one set."""
    read, written = rows(0, 0.5), rows(1, 0.5)
    for at in range(4):
        written[at] = read[at] + 0.4 * rows(2)[at]
    for at in (4, 5):
        written[at] = -read[at] + 0.4 * rows(2)[at]
    read[6, 17], written[6, 17] = 7, -9
    read[6, 18], written[6, 18] = 8, 6.5
    return read, written


def naive(read: np.ndarray, written: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The correlation of every two rows, and its z: each value left out of its own null."""
    every = np.array([[np.corrcoef(a, b)[0, 1] for b in written] for a in read])
    z = np.zeros_like(every)
    for i in range(F):
        for j in range(F):
            in_row = [every[i, k] for k in range(F) if k not in (i, j)]
            in_column = [every[k, j] for k in range(F) if k not in (i, j)]
            one = (every[i, j] - np.mean(in_row)) / np.std(in_row)
            other = (every[i, j] - np.mean(in_column)) / np.std(in_column)
            if one * other > 0:
                z[i, j] = one if abs(one) <= abs(other) else other
    return every, z


def test_agreement_is_that_of_a_naive_loop() -> None:
    read, written = sides()
    every, z = naive(read.astype(np.float64), written.astype(np.float64))
    found = agreement(
        read, written, np.ones(F, bool), np.ones(S, bool), np.full(S, 5, np.float32), LEVEL
    )
    np.testing.assert_allclose(found.correlation, np.diagonal(every), atol=1e-6)
    np.testing.assert_allclose(found.z, np.diagonal(z), atol=1e-4)
    others = np.abs(z[~np.eye(F, dtype=bool)])
    expected = [(np.sum(others >= abs(own)) + 1) / (len(others) + 1) for own in np.diagonal(z)]
    np.testing.assert_allclose(found.p, expected, atol=2 / len(others))


def test_what_agrees_and_what_is_opposite_is_found() -> None:
    read, written = sides()
    found = agreement(
        read, written, np.ones(F, bool), np.ones(S, bool), np.full(S, 5, np.float32), LEVEL
    )
    assert found.sign[:7].tolist() == [1, 1, 1, 1, -1, -1, -1]
    assert (found.shared[6], found.shared_z[6]) == (17, -7)
    assert (found.shared[7:] == -1).all()
    assert np.count_nonzero(found.sign[7:]) <= 3
    assert 0 < found.chance < 0.05


def test_flat_features_and_sets_that_do_not_count_are_left_out() -> None:
    read, written = sides()
    among, columns = np.ones(F, bool), np.ones(S, bool)
    among[[0, 8]], columns[17] = False, False
    least = np.full(S, 5, np.float32)
    found = agreement(read, written, among, columns, least, LEVEL)
    assert np.isnan(found.correlation[[0, 8]]).all()
    assert not found.sign[[0, 8]].any()
    assert (found.shared[6], found.shared_z[6]) == (18, 6.5)
    part = agreement(
        read[among][:, columns], written[among][:, columns], among[among], columns[columns],
        least[columns], LEVEL,
    )  # fmt: skip
    np.testing.assert_array_equal(found.z[among], part.z)


@pytest.mark.parametrize("features", [0, 1, 2])
def test_too_few_features_have_none_beside_them(features: int) -> None:
    read, written = (side[:features] for side in sides())
    found = agreement(
        read, written, np.ones(features, bool), np.ones(S, bool), np.full(S, 5, np.float32), LEVEL
    )
    assert np.isnan(found.correlation).all()
    assert found.chance == 0


def test_unrelated_sides_agree_as_often_as_is_said() -> None:
    random = np.random.default_rng(5)
    said = []
    for seed in range(20):
        read, written = (random.standard_normal((300, 60)).astype(np.float32) for _ in range(2))
        found = agreement(
            read, written, np.ones(300, bool), np.ones(60, bool),
            np.full(60, np.inf, np.float32), 0.01,
        )  # fmt: skip
        said.append(np.count_nonzero(found.sign))
        assert found.chance == pytest.approx(0.01, abs=2e-4), seed
    # 6,000 features at 1 %: 60, and its standard deviation is 8
    assert 30 <= sum(said) <= 90


def test_the_shared_set_is_that_of_a_naive_loop() -> None:
    one, other = 3 * rows(3), 3 * rows(4)
    least = np.random.default_rng(0).uniform(1, 6, S).astype(np.float32)
    least[5] = np.inf
    found = shared_sets(one, other, least)
    for i in range(F):
        for j in range(F):
            smaller = np.minimum(np.abs(one[i]), np.abs(other[j]))
            smaller[smaller < least] = 0
            best = int(smaller.argmax())
            if not smaller[best]:
                assert (found.token_set[i, j], found.z[i, j]) == (-1, 0)
                continue
            assert found.token_set[i, j] == best
            assert found.z[i, j] == smaller[best] * np.sign(one[i, best] * other[j, best])
