"""Pairs found by thresholds on z: those that a p for every pair finds, with the same q."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Sweep, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q, threshold
from unembed.enrichment.effects import effects_of
from unembed.enrichment.passing import LIKELY, count_pairs, find_passing, sets_that_pass
from unembed.tokensets import TokenSets

N, D = 1500, 16


@pytest.fixture(scope="module")
def made() -> tuple[DirectionTest, Features]:
    """Random features, some that write a set, and one that writes nothing."""
    random = torch.Generator().manual_seed(4)
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    unembedding = prepare_unembedding(torch.randn(N, D, generator=random), vocabulary, name="m")
    draw = np.random.default_rng(0)
    members = {f"s{i}": np.sort(draw.choice(N, 3 + 40 * i, replace=False)) for i in range(30)}
    sets = TokenSets.from_ids({**members, "none": [], "all": range(N)}, vocabulary)
    W_dec = torch.randn(5000, D, generator=random)
    W_dec[:200] += 40 * unembedding.W_U[torch.from_numpy(members["s3"])].mean(0)
    W_dec[77] = 0
    bank = Features.from_array(W_dec)
    test = DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of(bank))
    return test, bank


@pytest.fixture(scope="module")
def every(made: tuple[DirectionTest, Features]) -> tuple[np.ndarray, np.ndarray, DiscoveryRate]:
    """Of all pairs: z, log10 p, and their rate, with nothing left out."""
    test, bank = made
    rows = test.sweep.standardised(bank.W_dec)
    z = test.z(rows.scaled)
    log10_p, rate = test.log10_p(z), DiscoveryRate()
    rate.add(log10_p[rows.std > 0], test.testable)
    return z, log10_p, rate


@pytest.mark.parametrize("log10_p", [-0.01, -1.0, -1.3, -4.0, -30.0])
def test_a_p_is_a_threshold_on_z(made: tuple[DirectionTest, Features], log10_p: float) -> None:
    test, _ = made
    critical = test.critical(log10_p)
    sets = np.flatnonzero(np.isfinite(critical))
    assert not np.isfinite(critical[~test.testable]).any()
    if log10_p > -5:
        assert len(sets) == 30
    assert (test.log10_p_of_sets(sets, critical[sets]) >= log10_p - 1e-4).all()
    assert (test.log10_p_of_sets(sets, critical[sets] + 1e-3) <= log10_p).all()


@pytest.mark.parametrize("log10_p", [-0.5, LIKELY, -8.0])
def test_all_that_pass_are_found(
    made: tuple[DirectionTest, Features],
    every: tuple[np.ndarray, np.ndarray, DiscoveryRate],
    log10_p: float,
) -> None:
    test, bank = made
    z, p, _ = every
    found = find_passing(test, bank.W_dec, log10_p)
    feature, token_set = np.nonzero(p <= log10_p)
    np.testing.assert_array_equal(found.feature, feature)
    np.testing.assert_array_equal(found.token_set, token_set)
    np.testing.assert_array_equal(found.z, z[feature, token_set])
    np.testing.assert_array_equal(found.log10_p, p[feature, token_set])
    part = found.of(2040, 2100)
    assert (part.feature + 2040).tolist() == [f for f in feature if 2040 <= f < 2100]


@pytest.mark.parametrize("max_p", [0.05, 0.3, 1.0])
def test_the_rate_is_that_of_all_pairs(
    made: tuple[DirectionTest, Features],
    every: tuple[np.ndarray, np.ndarray, DiscoveryRate],
    max_p: float,
) -> None:
    test, bank = made
    _, p, exact = every
    seen: list[tuple[int, int]] = []
    rate, _, smallest, likely = count_pairs(
        test, bank.W_dec, max_p, lambda *told: seen.append(told)
    )
    assert rate.pairs == exact.pairs == 4999 * 30
    assert (seen[0], seen[-1]) == ((0, 5000), (5000, 5000))
    assert len(likely.z) == (p <= LIKELY).sum()
    assert threshold(rate.curve(), 0.05) == threshold(exact.curve(), 0.05)
    least = np.where(p.min(1) <= np.log10(max_p), p.min(1), 0)
    np.testing.assert_array_equal(np.delete(smallest, 77), np.delete(least, 77))
    assert np.isnan(smallest[77])  # which writes nothing
    q, known = (10 ** log10_q(p, each.curve()) for each in (rate, exact))
    low = p <= np.log10(max_p)
    np.testing.assert_allclose(q[low & (known <= 0.05)], known[low & (known <= 0.05)], rtol=1e-6)
    assert (q >= known * (1 - 1e-6)).all()
    assert (q <= known * 1.1).all()


@pytest.mark.parametrize("log10_p", [-0.5, LIKELY, -8.0])
def test_sets_that_pass_by_their_strongest_pair(
    made: tuple[DirectionTest, Features],
    every: tuple[np.ndarray, np.ndarray, DiscoveryRate],
    log10_p: float,
) -> None:
    """Counted in parts, as shards are: the largest |z| of each set, and whether it passes."""
    test, bank = made
    z, p, _ = every
    parts = [
        count_pairs(test, rows, 0.05, lambda done, total: None).strongest
        for rows in torch.split(bank.W_dec, 3072)
    ]
    np.testing.assert_array_equal(np.max(parts, axis=0), np.abs(z).max(0))
    passing = np.flatnonzero((p <= log10_p).any(0))
    assert sets_that_pass(test, np.max(parts, axis=0), log10_p).tolist() == passing.tolist()
    assert 0 < len(passing) <= 30
