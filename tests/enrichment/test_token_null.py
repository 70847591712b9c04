"""The classical null: against SciPy's exact test, brute force, and what is known at the ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp, norm

from unembed.cache import cache_folder
from unembed.enrichment.token_null import TokenNull
from unembed.enrichment.token_simulation import grid, simulation

F64 = np.ndarray


def brute_force(m: int, n: int, draws: int, scores: F64 | None = None, seed: int = 0) -> F64:
    """|ES| of random sets, hits weighed alike or by their rank's score, from the definition."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(0, draws, 50_000):
        ranks = np.sort(_distinct(random, min(draws, 50_000), m, n), 1)
        weights = np.ones(ranks.shape) if scores is None else scores[ranks]
        hits = np.cumsum(weights, 1) / weights.sum(1, keepdims=True)
        misses = (ranks - np.arange(m)) / (n - m)
        before = np.concatenate([np.zeros((len(ranks), 1)), hits[:, :-1]], 1) - misses
        found.append(np.maximum((hits - misses).max(1), -before.min(1)))
    return np.concatenate(found)


def _distinct(random: np.random.Generator, rows: int, m: int, n: int) -> np.ndarray:
    """Rows of m distinct numbers below n: draws with a repetition are drawn again."""
    drawn = random.integers(0, n, (rows, m))
    while len(again := np.flatnonzero((np.diff(np.sort(drawn, 1), axis=1) == 0).any(1))):
        drawn[again] = random.integers(0, n, (len(again), m))
    return drawn


def log10_p(m: int, n: int, es: float) -> float:
    return float(TokenNull.unweighted(np.array([m]), n).log10_p(np.array([[es]]))[0, 0])


@pytest.mark.parametrize(("m", "n"), [(1, 100), (3, 1000), (5, 60), (20, 200), (40, 100)])
def test_against_the_exact_test(m: int, n: int) -> None:
    """For sets at the top, so that ES takes values from small to 1."""
    random = np.random.default_rng(m)
    tested = 0
    for low in (0, n // 8, n // 4, n // 2):
        ranks = np.sort(random.choice(np.arange(low, n), m, replace=False))
        others = np.setdiff1d(np.arange(n), ranks)
        exact = ks_2samp(ranks, others, method="exact")
        if exact.pvalue < 0.1:
            assert log10_p(m, n, exact.statistic) == pytest.approx(
                np.log10(exact.pvalue), abs=0.02, rel=0.02
            )
            tested += 1
    for shift in (0.6, 0.8, 0.95):
        place = np.arange(m) + round(shift * (n - m))
        exact = ks_2samp(place, np.setdiff1d(np.arange(n), place), method="exact")
        if exact.pvalue < 0.1:
            assert log10_p(m, n, exact.statistic) == pytest.approx(
                np.log10(exact.pvalue), abs=0.02, rel=0.02
            )
            tested += 1
    assert tested >= 1


@pytest.mark.parametrize(("m", "n"), [(4, 5000), (12, 5000)])
def test_against_a_million_draws(m: int, n: int) -> None:
    es = brute_force(m, n, 1_000_000)
    for share in (0.5, 0.1, 0.01, 1e-3, 1e-4):
        reached = float(np.quantile(es, 1 - share))
        assert 10 ** log10_p(m, n, reached) == pytest.approx(
            share, rel=0.01 + 4 / math.sqrt(share * 1e6)
        )


@pytest.mark.parametrize(("m", "n"), [(1, 100), (7, 50_000), (300, 1000), (20_000, 50_000)])
def test_the_very_end(m: int, n: int) -> None:
    """A set that is all at the top, or all at the bottom: two of the C(n, m) sets are."""
    sets = math.lgamma(n + 1) - math.lgamma(m + 1) - math.lgamma(n - m + 1)
    assert log10_p(m, n, 1.0) == pytest.approx((math.log(2) - sets) / math.log(10), rel=1e-5)


@pytest.mark.parametrize("weight", ["unweighted", "normal_scores"])
def test_falls_and_never_ends(weight: str) -> None:
    sizes = np.array([0, 1, 2, 9, 500, 1000, 1500, 1998, 1999, 2000])
    null = getattr(TokenNull, weight)(sizes, 2000)
    es = np.linspace(-1, 1, 401)[:, None].repeat(len(sizes), 1)
    p = null.log10_p(es)
    assert np.isfinite(p).all()
    assert (p <= 0).all()
    np.testing.assert_array_equal(p, p[::-1])
    assert (np.diff(p[200:], axis=0) <= 1e-6).all()
    np.testing.assert_array_equal(p[:, [0, -1]], 0)  # no set, and all tokens
    assert (p[-1, 1:-1] < -2.5).all()


@pytest.mark.parametrize("m", [2, 30, 700, 1700])
def test_normal_scores_between_the_simulated_sizes(m: int) -> None:
    n = 2000
    assert m == 2 or m not in grid(n)
    scores = np.abs(norm.ppf((np.arange(n) + 0.5) / n))
    draws = brute_force_any(m, n, 4000, scores)
    p = 10 ** TokenNull.normal_scores(np.array([m]), n).log10_p(draws[:, None])
    for level in (0.5, 0.2, 0.05):
        assert (p <= level).mean() == pytest.approx(level, rel=0.25)
    # far out it claims too little, never too much
    assert (p <= 1e-3).mean() < 4e-3


def brute_force_any(m: int, n: int, draws: int, scores: F64) -> F64:
    """|ES| by whole running sums, for sets of any size."""
    random = np.random.default_rng(3)
    found = []
    for _ in range(draws):
        hit = np.zeros(n, np.bool_)
        hit[random.permutation(n)[:m]] = True
        steps = np.where(hit, scores / scores[hit].sum(), -1 / (n - m))
        found.append(np.abs(np.cumsum(steps)).max())
    return np.array(found)


def test_simulated_once() -> None:
    seen: list[int] = []
    first = simulation.__wrapped__(500, lambda done, total: seen.append(done))
    assert seen[-1] == max(seen) > 0
    (kept,) = (cache_folder() / "token_null").iterdir()
    again = simulation.__wrapped__(500, pytest.fail)
    kept.write_bytes(b"damaged")
    anew = simulation.__wrapped__(500)
    for other in (again, anew):
        np.testing.assert_array_equal(first.knots, other.knots)
        np.testing.assert_array_equal(first.excess, other.excess)
