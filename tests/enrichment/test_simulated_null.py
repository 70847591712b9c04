"""The null of random directions: against its own draws, counted plainly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Sweep, Unembedding, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.effects import effects_of, rows_of
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.sweep import Membership, joined
from unembed.sweep.settings import WEIGHTS
from unembed.tokensets import TokenSets

N = 3000


@pytest.fixture(scope="module")
def made() -> tuple[DirectionTest, Membership, SimulatedNull]:
    random = torch.Generator().manual_seed(2)
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    W_U = torch.randn(N, 24, generator=random)
    W_U[:40] += 2 * torch.randn(24, generator=random)  # a tight set
    unembedding = prepare_unembedding(W_U, vocabulary, name="n")
    members = {"tight": range(40), "one": [7], "broad": range(0, N, 2), "random": range(9, N, 91)}
    sets = TokenSets.from_ids(members, vocabulary)
    bank = Features.from_array(torch.randn(400, 24, generator=random) * torch.linspace(0.2, 2, 24))
    test = DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of(bank))
    membership = Membership(N, sets.indptr, rows_of(sets, unembedding))
    return test, membership, simulate(test, membership, 2000, 5, "none")


def drawn(test: DirectionTest, membership: Membership, seed: int, count: int = 2000) -> np.ndarray:
    tiles = test.sweep.tiles(test.moment.draw_evenly(count, seed))
    return np.concatenate([test.sweep.tsea(tile, membership).es for tile in tiles])


def test_nes_and_p_are_those_of_the_draws(
    made: tuple[DirectionTest, Membership, SimulatedNull],
) -> None:
    test, membership, null = made
    es = drawn(test, membership, 5)[:1000]  # and their opposites
    for s in range(4):
        same = np.abs(es[:, s])
        for sign in (1, -1):
            for share in (0.9, 0.5, 0.2, 0.1):
                value = np.quantile(same, 1 - share)
                at = np.array([sign * value]), np.array([s])
                assert null.normalised(*at)[0] == pytest.approx(
                    sign * value / same.mean(), rel=1e-5
                )
                assert 10 ** null.p_values(*at)[0] == pytest.approx(share, abs=0.02)


def test_tails_hold_for_other_draws(made: tuple[DirectionTest, Membership, SimulatedNull]) -> None:
    test, membership, null = made
    es = drawn(test, membership, 99, 20_000)
    sets = np.arange(4).repeat(len(es))
    p = 10 ** null.p_values(es.T.ravel(), sets).reshape(4, -1)
    for level in (0.1, 0.01, 0.001):
        assert ((p <= level).mean(1) < 2 * level + 1e-4).all()
    for level in (0.1, 0.01):  # the one token is so far out that ES = 1 is nothing rare
        assert ((p <= level).mean(1) > level / 3)[[0, 2, 3]].all()


def test_opposite_directions_have_opposite_scores(
    made: tuple[DirectionTest, Membership, SimulatedNull],
) -> None:
    """So that those that are drawn count with both signs."""
    test, membership, _ = made
    directions = test.moment.draw(300, 8)
    for weight in WEIGHTS:
        one, other = (
            np.concatenate(
                [test.sweep.tsea(tile, membership, weight).es for tile in test.sweep.tiles(rows)]
            )
            for rows in (directions, -directions)
        )
        np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-3)
        assert (np.sign(one) == -np.sign(other)).mean() > 0.95  # unless both ends are as far


@pytest.mark.parametrize("tied", [0, 80])
def test_the_opposite_feature_has_the_same_p(tied: int) -> None:
    """To the last bit, with identical rows of W_U that sets part, and without."""
    random, n = torch.Generator().manual_seed(3), 500
    W_U = torch.randn(n, 24, generator=random)
    W_U[100 : 100 + tied] = W_U[100].clone()
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(n)])
    unembedding = prepare_unembedding(W_U, vocabulary, name="n")
    assert len(unembedding.ties) == tied
    members = {"one": [110], "few": range(90, 120), "half": range(0, n, 2), "last": range(150, 230)}
    sets = TokenSets.from_ids(members, vocabulary)
    test = DirectionTest(
        Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.identity(24)
    )
    held = Membership(n, sets.indptr, rows_of(sets, unembedding), unembedding.ties)
    null = simulate(test, held, 600, 5, "none")
    W_dec = torch.randn(100, 24, generator=random)
    one, other = (
        np.concatenate([test.sweep.tsea(tile, held).es for tile in test.sweep.tiles(sign * W_dec)])
        for sign in (1, -1)
    )
    far = one != other  # unless both ends are as far: then + for both
    np.testing.assert_array_equal(one[far], -other[far])
    at = np.tile(np.arange(len(sets)), len(one))
    p, q = (null.p_values(es.ravel(), at) for es in (one, other))
    np.testing.assert_array_equal(p, q)
    nes = [null.normalised(es.ravel(), at)[far.ravel()] for es in (one, other)]
    np.testing.assert_array_equal(nes[0], -nes[1])
    assert len(np.unique(p)) > 100


def test_sets_that_are_not_asked_for_are_not_read(
    made: tuple[DirectionTest, Membership, SimulatedNull],
) -> None:
    test, membership, null = made
    some = simulate(test, membership, 2000, 5, "none", sets=np.array([0, 3]))
    np.testing.assert_array_equal(some.es[:, [0, 3]], null.es[:, [0, 3]])
    np.testing.assert_array_equal(some.log10_p[:, [0, 3]], null.log10_p[:, [0, 3]])
    assert np.isnan(some.means[:, 1:3]).all()
    assert np.isnan(some.p_values(np.array([0.5, -0.5]), np.array([1, 2]))).all()
    np.testing.assert_array_equal(some.z_sd, null.z_sd)


def test_p_falls_and_never_ends(made: tuple[DirectionTest, Membership, SimulatedNull]) -> None:
    null = made[2]
    for s in range(4):
        es = np.linspace(0, 1, 300)
        for sign in (1, -1):
            p = null.p_values(sign * es, np.full(300, s))
            assert p[0] == 0
            assert (np.diff(p) <= 0).all()
            assert np.isfinite(p).all()


def test_the_closed_form_holds(made: tuple[DirectionTest, Membership, SimulatedNull]) -> None:
    null = made[2]
    np.testing.assert_allclose(null.z_sd, 1, atol=0.06)
    np.testing.assert_allclose(null.z_beyond, 0.01, atol=0.007)


def test_a_wrong_closed_form_shows(made: tuple[DirectionTest, Membership, SimulatedNull]) -> None:
    """What the check is for: were directions not drawn as the test takes them to be."""
    test, membership, _ = made
    other = DirectionTest(test.sweep, test.effects, SecondMoment.identity(24))
    wrong = DirectionTest(test.sweep, test.effects, test.moment)
    wrong._scaled, wrong.sd = other._scaled, other.sd
    null = simulate(wrong, membership, 500, 1, "none")
    assert np.abs(null.z_sd - 1).max() > 0.1


def test_the_envelope_is_that_of_the_sweep(
    made: tuple[DirectionTest, Membership, SimulatedNull],
) -> None:
    """And of mixtures of its directions, six of each, behind those of each tile."""
    test, _, null = made
    tiles = test.sweep.tiles(test.moment.draw_evenly(2000, 5))
    read = joined([test.sweep.statistics(tile) for tile in tiles])
    assert len(null.kurtosis) == 7 * 2000
    for name in ("std", "skewness", "kurtosis", "left_tail", "right_tail"):
        assert np.isin(getattr(read, name), getattr(null, name)).all()
    assert null.kurtosis.mean() == pytest.approx(read.kurtosis.mean(), rel=0.01)
    assert null.std.mean() == pytest.approx(read.std.mean(), rel=0.03)


def test_seeds(made: tuple[DirectionTest, Membership, SimulatedNull]) -> None:
    test, membership, _ = made
    seen: list[tuple[int, int]] = []
    one = simulate(test, membership, 300, 1, "none", report=lambda *told: seen.append(told))
    same, other = (simulate(test, membership, 300, seed, "none") for seed in (1, 2))
    assert seen[-1] == (300, 300)
    np.testing.assert_array_equal(one.es, same.es)
    assert not np.array_equal(one.es, other.es)


def test_no_pairs_and_sets_of_nothing(unembedding: Unembedding) -> None:
    sets = TokenSets.from_ids({"none": [], "some": [3, 4]}, unembedding.vocabulary)
    bank = Features.from_array(torch.eye(16))
    test = DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of(bank))
    membership = Membership(unembedding.n_tokens, sets.indptr, rows_of(sets, unembedding))
    null = simulate(test, membership, 100, 0, "none")
    nothing = np.empty(0), np.empty(0, np.int64)
    assert len(null.p_values(*nothing)) == len(null.normalised(*nothing)) == 0
    assert null.p_values(np.array([0.0]), np.array([0]))[0] == 0
