"""Partial direction tests against regression over simulated directions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Sweep, TokenSets, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.effects import effects_of
from unembed.explanation.partial import Partial, given_the_others, partial

N, D = 2000, 32


@pytest.fixture(scope="module")
def test_of_sets() -> DirectionTest:
    """Sets that overlap, nest, and share a direction."""
    random = torch.Generator().manual_seed(4)
    W_U = torch.randn(N, D, generator=random) * torch.linspace(0.5, 2, D)
    W_U[:100] += 1.5 * torch.randn(D, generator=random)
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    unembedding = prepare_unembedding(W_U, vocabulary, name="n")
    members = {"in": range(30), "near": range(30, 60), "around": range(100), "far": range(900, 960)}
    bank = Features.from_array(torch.randn(2000, D, generator=random))
    sets = TokenSets.from_ids(members, vocabulary)
    return DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of(bank))


@pytest.fixture(scope="module")
def draws(test_of_sets: DirectionTest) -> np.ndarray:
    """z of 200,000 random directions [N, 4]."""
    rows = test_of_sets.moment.draw(200_000, 7)
    return test_of_sets.z(test_of_sets.sweep.standardised(rows).scaled).astype(np.float64)


def given_some(z: np.ndarray, gram: np.ndarray, chosen: list[int]) -> Partial:
    """Sets of one feature, all given the same ones."""
    one = np.zeros(len(z), int)
    return partial(z, gram[:, chosen], one, z[chosen][None], gram[np.ix_(chosen, chosen)][None])


def gram(test: DirectionTest) -> np.ndarray:
    return (test.coordinates @ test.coordinates.T).astype(np.float64)


def test_coordinates_give_the_correlations_of_z(
    test_of_sets: DirectionTest, draws: np.ndarray
) -> None:
    expected = draws.T @ draws / len(draws)
    np.testing.assert_allclose(gram(test_of_sets), expected, atol=0.01)


@pytest.mark.parametrize("chosen", [[2], [1, 2], [3, 0]])
def test_what_is_left_is_the_residual_of_a_regression(
    test_of_sets: DirectionTest, draws: np.ndarray, chosen: list[int]
) -> None:
    given = draws[:, chosen]
    fit = np.linalg.lstsq(given, draws, rcond=None)[0]
    residual = draws - given @ fit
    for row in range(5):
        found = given_some(draws[row], gram(test_of_sets), chosen)
        others = [s for s in range(4) if s not in chosen]
        np.testing.assert_allclose(
            found.z[others], residual[row, others] / residual[:, others].std(0), atol=0.05
        )
        assert not found.z[chosen].any()


def test_p_of_what_is_left_is_uniform_under_the_null(
    test_of_sets: DirectionTest, draws: np.ndarray
) -> None:
    correlations = np.broadcast_to(gram(test_of_sets)[:3, :3], (20_000, 3, 3))
    left, combinations = given_the_others(draws[:20_000, :3], correlations)
    sets = np.tile(np.arange(3), (400, 1))
    for s in range(3):
        log10_p = test_of_sets.log10_p_of(sets, combinations[:400, s], left[:400, s])
        p = np.sort(10 ** log10_p.astype(np.float64))
        assert np.abs(p - (np.arange(400) + 0.5) / 400).max() < 1.63 / 20  # KS at 1 %
        assert left[:, s].std() == pytest.approx(1, abs=0.03)


def test_p_of_a_set_by_itself_is_that_of_its_table(test_of_sets: DirectionTest) -> None:
    sets, z = np.array([3, 0, 1, 2, 2]), np.array([-0.4, 2.5, -4.1, 5.0, 0.0])
    weights = np.tile([2.0, 0.0], (5, 1))  # z is in sd, so that length does not matter
    found = test_of_sets.log10_p_of(np.stack([sets, sets[::-1]], 1), weights, z)
    expected = test_of_sets.log10_p_of_sets(sets, z)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_fewer_sets_are_as_if_there_were_no_room_for_more(
    test_of_sets: DirectionTest, draws: np.ndarray
) -> None:
    """None (z 0, no correlation with any) beside two sets, and other features beside this one."""
    two = gram(test_of_sets)[:2, :2]
    padded = np.stack([np.eye(3), np.eye(3)])
    padded[0, :2, :2] = two
    z = np.zeros((2, 3))
    z[0, :2] = draws[0, :2]
    expected, combinations = given_the_others(draws[:1, :2], two[None])
    left, weights = given_the_others(z, padded)
    np.testing.assert_allclose(left[0], [*expected[0], 0], rtol=1e-12)
    np.testing.assert_allclose(weights[0, :2, :2], combinations[0], rtol=1e-12)
    assert not weights[0, :2, 2].any()
    alone = given_the_others(z[:1], padded[:1])
    np.testing.assert_array_equal(alone[0][0], left[0])
    np.testing.assert_array_equal(alone[1][0], weights[0])


def test_nothing_given_changes_nothing_and_is_no_view() -> None:
    z = np.array([3.0, -2.0])
    found = given_some(z, np.eye(2), [])
    np.testing.assert_array_equal(found.z, z)
    found.z[:] = 0
    assert z.tolist() == [3, -2]


def test_a_set_has_nothing_to_add_to_itself() -> None:
    assert given_some(np.array([5.0, 5.0]), np.ones((2, 2)), [0]).z.tolist() == [0, 0]


def test_what_is_left_is_that_of_least_squares_whatever_follows_from_others() -> None:
    """Of two features: in one the third given set is the first two, added up."""
    random = np.random.default_rng(3)
    vectors = random.standard_normal((2, 9, 6))
    vectors[0, 2] = vectors[0, 0] + vectors[0, 1]
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    feature = random.integers(0, 2, 40)
    own = random.integers(3, 9, 40)
    z = np.einsum("fsd,fd->fs", vectors, 5 * random.standard_normal((2, 6)))
    given = vectors[:, :3]
    along = np.einsum("kcd,kd->kc", given[feature], vectors[feature, own])
    between = np.einsum("fcd,fed->fce", given, given)
    found = partial(z[feature, own], along, feature, z[:, :3], between)
    for k, (of, at) in enumerate(zip(feature, own, strict=True)):
        fit = np.linalg.lstsq(given[of].T, vectors[of, at], rcond=1e-9)[0]
        rest = vectors[of, at] - given[of].T @ fit
        left = (z[of, at] - fit @ z[of, :3]) / np.linalg.norm(rest)
        assert found.z[k] == pytest.approx(left, rel=1e-9)
        np.testing.assert_allclose(given[of].T @ found.weights[k], given[of].T @ fit, atol=1e-9)
    assert not found.weights[feature == 0, 2].any()
