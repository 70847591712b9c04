"""What the classical null claims of a sample: the procedure, and its jackknife, written plainly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Sweep, Vocabulary, prepare_unembedding
from unembed.enrichment.claim_sample import SAMPLED, sample_claims
from unembed.enrichment.discovery_rate import LEVELS
from unembed.enrichment.token_null import TokenNull
from unembed.sweep import Membership

N, D = 900, 12


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    random = torch.Generator().manual_seed(1)
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    W_U = torch.randn(N, D, generator=random)
    W_U[:, :3] += torch.linspace(-2, 2, N)[:, None]  # neighbours are alike
    return Sweep(prepare_unembedding(W_U, vocabulary, name="m"))


@pytest.fixture(scope="module")
def membership() -> Membership:
    random = np.random.default_rng(2)
    sets = [np.sort(random.choice(N, 4 + 9 * i, replace=False)) for i in range(25)]
    sets += [np.arange(30 * i, 30 * i + 4 + 2 * i) for i in range(25)]
    sets += [np.empty(0, int), np.arange(N)]
    ends = np.concatenate([[0], np.cumsum([len(each) for each in sets])])
    return Membership(N, ends.astype(np.int64), np.concatenate(sets).astype(np.int32))


def claimed(p: np.ndarray, level: float) -> np.ndarray:
    """How many of the pairs [k, S] of each feature Benjamini and Hochberg's procedure passes."""
    rising = np.sort(p.ravel())
    passing = np.flatnonzero(rising <= level * np.arange(1, p.size + 1) / p.size)
    most = rising[passing[-1]] if len(passing) else -1.0
    found: np.ndarray = (p <= most).sum(1)
    return found


def test_claims_of_a_sample(sweep: Sweep, membership: Membership) -> None:
    random = torch.Generator().manual_seed(3)
    W_dec = torch.randn(500, D, generator=random)
    W_dec[::5] = 0
    tokens = TokenNull.unweighted(membership.sizes, N)
    found = sample_claims(W_dec, sweep, membership, "none", tokens, 7)
    assert len(found.feature) == SAMPLED
    assert (np.diff(found.feature) > 0).all()
    (tile,) = sweep.tiles(W_dec[found.feature])
    alive = tile.features.std > 0
    assert 0 < alive.sum() < SAMPLED
    assert (found.pairs == 50 * alive).all()
    p = 10.0 ** tokens.log10_p(sweep.tsea(tile, membership).es)[:, :50].astype(np.float64)
    for at, level in enumerate(LEVELS):
        counts = np.zeros(SAMPLED)
        counts[alive] = claimed(p[alive], level)
        assert counts.sum() > 20
        np.testing.assert_allclose(found.passing[:, at], counts, atol=1)
        others = []
        for row in range(SAMPLED):
            left = alive & (np.arange(SAMPLED) != row)
            others.append(claimed(p[left], level).sum() / (SAMPLED - 1))
        np.testing.assert_allclose(found.without[:, at], others, atol=6 / SAMPLED)
        squares = ((np.array(others) - np.mean(others)) ** 2).sum()
        count, error = (each[at] for each in found.expected(500))
        assert count == pytest.approx(500 * counts.mean(), rel=0.02)
        expected = 500 * np.sqrt(squares * 63 / 64 * (1 - 64 / 500))
        assert error == pytest.approx(expected, rel=0.1)


def test_of_few_features_all_are_asked(sweep: Sweep, membership: Membership) -> None:
    W_dec = torch.randn(5, D, generator=torch.Generator().manual_seed(3))
    tokens = TokenNull.unweighted(membership.sizes, N)
    found = sample_claims(W_dec, sweep, membership, "none", tokens, 0)
    assert found.feature.tolist() == [0, 1, 2, 3, 4]
    count, error = found.expected(5)
    np.testing.assert_array_equal(count, found.passing.sum(0))
    assert not error.any()
    nothing = sample_claims(torch.zeros(3, D), sweep, membership, "none", tokens, 0)
    assert not nothing.pairs.any()
    assert not nothing.passing.any()
    assert not np.array(nothing.expected(3)).any()
