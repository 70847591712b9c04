"""The decoy exam: who is drawn, who fits, and how the point is shared, by plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from unembed.explanation import decoys


def test_each_is_asked_for_among_nine_others_drawn_once() -> None:
    indices = np.arange(40) * 3
    found = decoys.lineup("bank", indices, np.arange(40))
    assert found.shape == (40, 10)
    np.testing.assert_array_equal(found[:, 0], np.arange(40))
    assert all(len(set(row)) == 10 for row in found.tolist())
    assert found.min() == 0
    assert found.max() == 39


def test_ten_are_all_there_are() -> None:
    found = decoys.lineup("bank", np.arange(10), np.array([4]))
    assert sorted(found[0].tolist()) == list(range(10))


def test_who_is_drawn_does_not_depend_on_the_order() -> None:
    random = np.random.default_rng(0)
    indices = np.sort(random.choice(1000, 60, replace=False))
    shuffled = random.permutation(60)
    mine = decoys.lineup("bank", indices, np.arange(60))
    theirs = decoys.lineup("bank", indices[shuffled], np.arange(60))
    by_index = {indices[row[0]]: indices[row].tolist() for row in mine}
    for row in theirs:
        own = indices[shuffled][row]
        assert own.tolist() == by_index[own[0]]
    some = decoys.lineup("bank", indices, np.array([50, 7]))
    np.testing.assert_array_equal(some, mine[[50, 7]], "nor on who else is asked for")
    few = decoys.drawn("bank", indices, 20)
    np.testing.assert_array_equal(
        np.sort(indices[few]),
        np.sort(indices[shuffled][decoys.drawn("bank", indices[shuffled], 20)]),
    )


def test_banks_and_features_have_draws_of_their_own() -> None:
    indices = np.arange(500)
    found = decoys.lineup("a", indices, indices)
    assert not np.array_equal(found, decoys.lineup("b", indices, indices))
    others = np.bincount(found[:, 1:].ravel(), minlength=500)
    assert others.mean() == 9
    assert others.max() < 30, "no one is drawn again and again"
    asked = decoys.drawn("a", indices, 50)
    assert len(set(asked.tolist())) == 50
    assert not np.array_equal(asked, decoys.drawn("b", indices, 50))
    np.testing.assert_array_equal(decoys.drawn("a", indices, 500), indices)


def test_how_well_a_feature_fits_is_the_mean_over_the_sets_of_a_label() -> None:
    random = np.random.default_rng(1)
    label = np.array([0, 0, 1, 2, 2, 2])
    signs = np.array([1, -1, 0, -1, 0, 1])
    z = random.standard_normal((6, 10))
    found = decoys.fits(z, signs, label, 3)
    for of in range(3):
        for each in range(10):
            parts = [
                abs(z[at, each]) if signs[at] == 0 else signs[at] * z[at, each]
                for at in range(6)
                if label[at] == of
            ]
            assert found[of, each] == pytest.approx(sum(parts) / len(parts))


def test_points_are_shared_by_those_that_fit_equally_well() -> None:
    random = np.random.default_rng(2)
    fit = random.integers(0, 4, (200, 10)).astype(float)
    expected = []
    for row in fit.tolist():
        best = [at for at, value in enumerate(row) if value == max(row)]
        expected.append(1 / len(best) if 0 in best else 0.0)
    np.testing.assert_array_equal(decoys.points(fit), expected)
    assert decoys.points(fit).mean() == pytest.approx(0.1, abs=0.05)
