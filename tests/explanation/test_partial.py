"""Partial direction tests against regression over simulated directions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Sweep, TokenSets, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.effects import effects_of
from unembed.explanation.partial import given_the_others, partial

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
        found = partial(draws[row], gram(test_of_sets), np.array(chosen))
        others = [s for s in range(4) if s not in chosen]
        np.testing.assert_allclose(
            found.z[others], residual[row, others] / residual[:, others].std(0), atol=0.05
        )
        assert not found.z[chosen].any()


def test_p_of_what_is_left_is_uniform_under_the_null(
    test_of_sets: DirectionTest, draws: np.ndarray
) -> None:
    correlations = gram(test_of_sets)[:3, :3]
    _, combinations = given_the_others(draws[0, :3], correlations)
    scaled = test_of_sets.effects.delta / test_of_sets.sd[:, None]
    delta = combinations @ scaled[:3]
    left = np.stack([given_the_others(row[:3], correlations)[0] for row in draws[:20_000]])
    for s in range(3):
        each = np.repeat(delta[s : s + 1], 400, 0)
        p = np.sort(10 ** test_of_sets.log10_p_of(each, left[:400, s]).astype(np.float64))
        assert np.abs(p - (np.arange(400) + 0.5) / 400).max() < 1.63 / 20  # KS at 1 %
        assert left[:, s].std() == pytest.approx(1, abs=0.03)


def test_nothing_given_changes_nothing_and_is_no_view() -> None:
    z = np.array([3.0, -2.0])
    found = partial(z, np.eye(2), np.array([], int))
    np.testing.assert_array_equal(found.z, z)
    found.z[:] = 0
    assert z.tolist() == [3, -2]


def test_a_set_has_nothing_to_add_to_itself() -> None:
    same = np.ones((2, 2))
    assert partial(np.array([5.0, 5.0]), same, np.array([0])).z.tolist() == [0, 0]
