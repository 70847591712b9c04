"""How small the smallest p of a random direction is, against directions that are drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Sweep, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.effects import effects_of
from unembed.enrichment.smallest_p import SmallestP
from unembed.enrichment.smallest_p_draws import _moved, smallest_p
from unembed.tokensets import TokenSets

N, D, DRAWN = 2000, 24, 100_000


def nested() -> dict[str, np.ndarray]:
    """Sets that hold one another, in three chains."""
    order = np.random.default_rng(1).permutation(N)
    return {
        f"{chain}:{i}": np.sort(order[600 * chain :][: 4 + 7 * i])
        for chain in range(3)
        for i in range(20)
    }


def apart() -> dict[str, np.ndarray]:
    """Small sets that have little to do with one another."""
    random = np.random.default_rng(2)
    return {str(i): np.sort(random.choice(N, 12, replace=False)) for i in range(60)}


def twice() -> dict[str, np.ndarray]:
    """Each of them two times."""
    half = list(apart().items())[:30]
    return dict(half) | {f"{name} again": members for name, members in half}


def direction_test_of(members: dict[str, np.ndarray]) -> DirectionTest:
    random = torch.Generator().manual_seed(8)
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    unembedding = prepare_unembedding(torch.randn(N, D, generator=random), vocabulary, name="m")
    sets = TokenSets.from_ids({**members, "none": [], "all": range(N)}, vocabulary)
    bank = Features.from_array(torch.randn(900, D, generator=random) * torch.linspace(0.3, 2, D))
    return DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of(bank))


def furthest(test: DirectionTest) -> np.ndarray:
    """The z of each set in the direction Mδ, towards which directions are moved."""
    v = test.effects.delta[:60] @ test.moment.matrix.numpy()
    z = test.z(test.sweep.standardised(torch.from_numpy(v).float()).scaled)
    found: np.ndarray = np.diagonal(z[:, :60])
    return found


KINDS = {"nested": nested, "apart": apart, "twice": twice}


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest) -> tuple[DirectionTest, SmallestP]:
    test = direction_test_of(KINDS[request.param]())
    return test, smallest_p(test, 3)


def test_the_chance_is_that_of_directions(made: tuple[DirectionTest, SmallestP]) -> None:
    test, null = made
    assert null.sets == 60
    rows = test.sweep.standardised(test.moment.draw(DRAWN, 77))
    smallest = test.log10_p(test.z(rows.scaled)).min(1)
    for level in (-3.0, -3.5, -4.0, -4.5):
        chance = 10.0 ** float(null.log10_p_of(np.array([level], np.float32))[0])
        counted = (smallest <= level).sum()
        assert abs(counted - DRAWN * chance) < 4 * counted**0.5 + 0.05 * counted


def test_sets_that_are_there_twice_count_once() -> None:
    once, again = (smallest_p(direction_test_of(kind()), 3) for kind in (apart, twice))
    np.testing.assert_allclose(again.share, 0.5, rtol=0.03)
    assert (once.share > 0.9).all()


def test_it_is_never_above_the_bound(made: tuple[DirectionTest, SmallestP]) -> None:
    null = made[1]
    log10_p = np.linspace(-900, 0, 5000).astype(np.float32)
    chance = null.log10_p_of(log10_p)
    assert (chance <= np.minimum(log10_p + np.log10(60), 0) + 1e-4).all()
    assert (np.diff(chance) >= 0).all()
    assert chance[-1] == 0
    assert ((null.share > 0) & (null.share <= 1)).all()
    assert (np.diff(null.log10_p) < 0).all()
    assert np.isnan(null.log10_p_of(np.array([np.nan, -5], np.float32))).tolist() == [True, False]


def test_between_levels_and_beyond_them() -> None:
    null = SmallestP(np.array([-3.0, -5.0]), np.array([0.4, 0.8]), 100)
    found = null.log10_p_of(np.array([-3.0, -4.0, -5.0, -50.0, -1.0], np.float32))
    expected = [*np.log10([0.04, 0.006, 0.0008]), np.log10(80) - 50, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_same_seed_says_the_same() -> None:
    test = direction_test_of(apart())
    one, same, other = (smallest_p(test, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.share, same.share)
    assert not np.array_equal(one.share, other.share)


def test_where_there_is_no_set() -> None:
    test = direction_test_of({})
    null = smallest_p(test, 0)
    assert null.sets == 0
    assert null.log10_p_of(np.array([-0.0, -2.0], np.float32)).tolist() == [0, 0]


def test_moved_directions_have_the_z_that_is_wanted(made: tuple[DirectionTest, SmallestP]) -> None:
    test, _ = made
    random = np.random.default_rng(4)
    sets = random.integers(60, size=400)
    wanted = random.choice((-1, 1), 400) * random.uniform(0, 0.99, 400) * furthest(test)[sets]
    assert np.abs(wanted).max() > 3.5
    directions = _moved(test, sets, wanted, 9)
    z = test.z(test.sweep.standardised(directions).scaled)
    np.testing.assert_allclose(z[np.arange(400), sets], wanted, atol=2e-5, rtol=2e-5)
    assert not torch.equal(directions, _moved(test, sets, wanted, 10))


def test_they_are_random_ones_but_for_that(made: tuple[DirectionTest, SmallestP]) -> None:
    """Those whose set has such a z among all that are drawn have such z of others, to 1/d."""
    test, _ = made
    drawn = test.z(test.sweep.standardised(test.moment.draw(DRAWN, 6)).scaled)
    own = np.flatnonzero(np.abs(drawn[:, 5] - 2) < 0.1)
    assert len(own) > 900
    moved = _moved(test, np.full(4000, 5), np.full(4000, 2.0), 1)
    z = test.z(test.sweep.standardised(moved).scaled)
    np.testing.assert_allclose(z[:, :60].mean(0), drawn[own, :60].mean(0), atol=0.2)
    np.testing.assert_allclose(z[:, :60].std(0), drawn[own, :60].std(0), atol=0.2)


def test_further_than_any_direction_is_as_far_as_one_can(
    made: tuple[DirectionTest, SmallestP],
) -> None:
    test, _ = made
    sets = np.arange(60).repeat(2)
    wanted = np.tile([100.0, -100.0], 60)
    z = test.z(test.sweep.standardised(_moved(test, sets, wanted, 2)).scaled)
    expected = furthest(test).repeat(2) * np.sign(wanted)
    np.testing.assert_allclose(z[np.arange(120), sets], expected, rtol=1e-4)
