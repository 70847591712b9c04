"""What is measured of logits, against SciPy and the definitions written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import special, stats

from unembed.steering.matched import matched_sets, strata
from unembed.steering.measures import (
    _FEW,
    correlation,
    log_probabilities,
    output_score,
    ranked,
    set_log_probabilities,
)

TOKENS = 400


@pytest.fixture
def logits(random: torch.Generator) -> torch.Tensor:
    return 5 * torch.randn(6, TOKENS + 20, generator=random)


@pytest.mark.parametrize("members", [2, 3])
def test_the_probability_of_a_set(logits: torch.Tensor, members: int) -> None:
    """Token by token, and as a product; of what is all but impossible beside what is certain."""
    logits[:, [13, 63, 73]] -= 90
    logits[:, 300] += 60
    ids = torch.arange(10, TOKENS + 10)
    sets = np.array([[0, 1, 2], [290, 4, 5], [3, 53, 63]])[:, :members]
    assert (members * _FEW <= TOKENS) == (members == 2)
    found = set_log_probabilities(log_probabilities(logits, ids), torch.from_numpy(sets))
    whole = special.logsumexp(logits.double().numpy(), axis=1)
    for at, places in enumerate(sets):
        own = special.logsumexp(logits.double().numpy()[:, 10 + places], axis=1)
        np.testing.assert_allclose(found[:, at], own - whole, atol=5e-5)
    assert found[:, 2].max() < -100


def test_a_rank_counts_what_moved_as_far() -> None:
    changes = np.array([0.5, 0.1, 0.5, 0.7, -2.0])
    assert ranked(changes, 1) == (0.5, pytest.approx(0.3), 3)
    assert ranked(changes, -1) == (-0.5, pytest.approx(-0.3), 4)
    assert ranked(np.array([-1.0, 0.2, -0.9]), -1).rank == 1


def test_the_correlation_is_pearsons() -> None:
    draw = np.random.default_rng(0)
    a, b = draw.normal(3, 2, 500), draw.normal(-1, 5, 500)
    b += a
    assert correlation(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-12)
    assert np.isnan(correlation(a, np.ones(500)))


def test_the_output_score_as_it_is_defined(logits: torch.Tensor) -> None:
    """Ranks by sorting, the least of them, and the largest probability; as its authors have it."""
    top = torch.randperm(len(logits[0]))[:20]
    for row in logits:
        p = special.softmax(row.double().numpy())
        order = list(np.argsort(-p))
        ranks = [order.index(int(token)) for token in top]
        expected = (1 - min(ranks) / len(p)) * max(p[int(token)] for token in top)
        assert output_score(row, top) == pytest.approx(expected, rel=1e-12)


def test_strata_are_of_neighbours_by_frequency() -> None:
    frequencies = np.random.default_rng(1).permutation(1.0 / np.arange(1, 5_001))
    found = strata(frequencies)
    ranks = stats.rankdata(-frequencies, method="ordinal") - 1
    assert found.min() == 0
    for stratum in range(found.max() + 1):
        here = np.sort(ranks[found == stratum])
        assert list(here) == list(range(int(here[0]), int(here[-1]) + 1))
        if stratum < found.max():
            assert len(here) >= 16
        assert here[-1] + 1 <= max(here[0] + 16, 1.25 * here[0] + 1)
    assert list(strata(np.zeros(3))) == [0, 0, 0]


@pytest.mark.parametrize("size", [1, 30, 3_000])
def test_matched_sets_have_as_many_of_each_stratum(size: int) -> None:
    draw = np.random.default_rng(2)
    of = strata(draw.random(5_000))
    members = np.sort(draw.choice(5_000, size, replace=False))
    found = matched_sets(members, of, 50, np.random.default_rng(3))
    assert found.shape == (50, size)
    for row in found:
        assert len(set(row)) == size
        assert np.array_equal(np.sort(of[row]), np.sort(of[members]))
        if size < 100:
            assert not set(row) & set(members)
    assert len({tuple(sorted(row)) for row in found}) > 1


def test_a_stratum_that_is_all_but_the_sets_is_drawn_from_whole() -> None:
    of = np.zeros(10, int)
    found = matched_sets(np.arange(8), of, 400, np.random.default_rng(0))
    drawn = np.bincount(found.ravel(), minlength=10) / 400
    np.testing.assert_allclose(drawn, 0.8, atol=0.08)  # four standard deviations
