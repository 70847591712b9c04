"""The false discovery rate of features, and then of the sets of those that were chosen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import scipy.stats
import torch

from tests.explanation.clusters import Clusters, D
from unembed import Sweep
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.discovery_rate import DiscoveryRate, threshold
from unembed.enrichment.effects import effects_of
from unembed.enrichment.feature_rate import FeatureRate, thresholds
from unembed.enrichment.smallest_p import SmallestP
from unembed.enrichment.smallest_p_draws import smallest_p

SETS, SHARE = 40, 0.8
NULL = SmallestP(np.array([-3.0, -8.0]), np.array([SHARE, SHARE]), SETS)
EACH = 2000


def rate_of(seed: int, count: int = 500, flat: int = 30) -> FeatureRate:
    """Features of which some are flat, some say much, and some are equal."""
    random = np.random.default_rng(seed)
    smallest = np.log10(random.beta(0.2, 4, count)).astype(np.float32)
    smallest[: count // 10] = smallest[0]
    smallest[random.permutation(count)[:flat]] = np.nan
    return FeatureRate.of(smallest, NULL)


@pytest.mark.parametrize("seed", range(3))
def test_q_is_benjamini_and_hochbergs_without_flat_features(seed: int) -> None:
    rate = rate_of(seed)
    some = ~np.isnan(rate.smallest)
    p = np.minimum(SETS * SHARE * 10 ** rate.smallest[some].astype(np.float64), 1)
    q = scipy.stats.false_discovery_control(p)
    np.testing.assert_allclose(10 ** rate.log10_p[some].astype(np.float64), p, rtol=1e-5)
    np.testing.assert_allclose(10 ** rate.log10_q[some].astype(np.float64), q, rtol=1e-5)
    assert np.isnan(rate.log10_p[~some]).all()
    assert np.isnan(rate.log10_q[~some]).all()
    for level in (0.01, 0.05, 0.3):
        chosen = rate.chosen(level)
        assert not chosen[~some].any()
        np.testing.assert_array_equal(chosen[some], q <= level)
        assert 0 < chosen.sum() < some.sum()
        assert rate.largest(level) == rate.smallest[chosen].max()
        assert (rate.smallest[some & ~chosen] > rate.largest(level)).all()
        assert 10 ** rate.log10_level(level) == pytest.approx(level * chosen.sum() / some.sum())


def test_far_below_what_float64_holds_as_a_p() -> None:
    rate = FeatureRate.of(np.array([-700, -400, 0, np.nan], np.float32), NULL)
    sets = np.log10(SETS * SHARE)
    expected = [-700 + sets + np.log10(3), -400 + sets + np.log10(1.5), 0, np.nan]
    np.testing.assert_allclose(rate.log10_q, expected, rtol=1e-6)


@pytest.mark.parametrize("smallest", [[], [np.nan, np.nan], [0.0, -0.5, np.nan]])
def test_none_is_chosen(smallest: list[float]) -> None:
    rate = FeatureRate.of(np.array(smallest, np.float32), NULL)
    assert not rate.chosen(0.05).any()
    assert rate.largest(0.05) == rate.log10_level(0.05) == -np.inf


def test_a_part_keeps_the_q_of_all() -> None:
    rate = rate_of(1)
    part = rate.part(100, 160)
    for of_part, of_all in zip(
        (part.smallest, part.log10_p, part.log10_q),
        (rate.smallest, rate.log10_p, rate.log10_q),
        strict=True,
    ):
        np.testing.assert_array_equal(of_part, of_all[100:160])
    assert part.sets == SETS


@pytest.mark.parametrize("log10_level", [-1.53, -2.97, -np.inf])
@pytest.mark.parametrize("seed", range(4))
def test_sets_that_pass_in_a_feature(seed: int, log10_level: float) -> None:
    """By Benjamini and Hochberg's definition, feature by feature, also of p that are equal."""
    random = np.random.default_rng(seed)
    feature, _ = np.nonzero(random.random((60, SETS)) < 0.4)
    feature = feature[feature % 7 > 0]  # some have no pair
    log10_p = np.round(np.log10(random.beta(0.3, 3, len(feature))), 1)
    order = random.permutation(len(feature))
    found = thresholds(feature[order], log10_p[order], 60, SETS, log10_level)
    assert found.shape == (60,)
    passing = np.zeros(60, int)
    for at in range(60):
        p, largest = sorted(10 ** log10_p[feature == at]), 0
        for k in range(1, len(p) + 1):
            if p[k - 1] <= 10**log10_level * k / SETS:
                largest = k
        expected = np.log10(largest / SETS) + log10_level if largest else -np.inf
        assert found[at] == pytest.approx(expected)
        assert (log10_p[feature == at] <= found[at]).sum() == largest
        passing[at] = largest
    if np.isfinite(log10_level):
        assert set(passing) > {0, 1}
    else:
        assert not passing.any()


class Found(NamedTuple):
    """What is chosen among features of which the last ones are random directions."""

    by_features: np.ndarray
    by_pairs: np.ndarray
    sets: np.ndarray
    """How many pass in each feature that is chosen by itself."""


@pytest.fixture(scope="module")
def found() -> Found:
    """Features that write five sets among as many random directions."""
    made, random = Clusters(3), np.random.default_rng(11)
    effects = effects_of(made.sets, made.unembedding)
    test = DirectionTest(Sweep(made.unembedding), effects, SecondMoment.identity(D))
    delta = effects.delta / np.linalg.norm(effects.delta, axis=1, keepdims=True)
    signal = delta[random.integers(len(delta), size=(EACH, 5))].sum(1)
    signal += 0.04 * random.standard_normal((EACH, D))
    rows = np.concatenate([signal, random.standard_normal((EACH, D))])
    z = test.z(test.sweep.standardised(torch.from_numpy(rows).float()).scaled)
    log10_p, pairs = test.log10_p(z), DiscoveryRate()
    pairs.add(log10_p, test.testable)
    rate = FeatureRate.of(log10_p.min(1), smallest_p(test, 5))
    feature, token_set = np.nonzero(log10_p < -1)
    p = log10_p[feature, token_set]
    largest = thresholds(feature, p, len(rows), rate.sets, rate.log10_level(0.01))
    largest[~rate.chosen(0.01)] = -np.inf
    by_pairs = (log10_p <= threshold(pairs.curve(), 0.01)).any(1)
    return Found(rate.chosen(0.01), by_pairs, (log10_p <= largest[:, None]).sum(1))


def test_one_in_a_hundred_chosen_features_is_random(found: Found) -> None:
    """And over all pairs together more are, which is why features are chosen first."""
    null = np.arange(2 * EACH) >= EACH
    assert null[found.by_features].mean() <= 0.01
    assert null[found.by_pairs].mean() > 0.014
    assert found.by_features[~null].mean() > 0.95 * found.by_pairs[~null].mean() > 0.9


def test_sets_are_false_in_one_of_a_hundred_chosen_features(found: Found) -> None:
    null = np.arange(2 * EACH) >= EACH
    passing = found.sets > 0
    assert not passing[~found.by_features].any()
    assert null[passing].mean() <= 0.01
    assert passing[found.by_features].mean() > 0.97
