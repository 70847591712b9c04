"""What passes when tokens change places, against sets that are built of the other tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Sweep, Unembedding, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment, permutation
from unembed.enrichment.effects import effects_of, permuted_effects, rows_of
from unembed.enrichment.permutation import count_permuted
from unembed.enrichment.permuted import Permuted
from unembed.sweep import Membership
from unembed.tokensets import TokenSets

N, D, F = 500, 48, 600
ORDER = np.random.default_rng(9).permutation(N)
LEVELS = np.array([-3.1, -2.3]), np.array([-3.7, -2.9])
"""Up to which log10 p pairs pass, and features."""


@pytest.fixture(autouse=True)
def every_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is asked, and not a sample."""
    monkeypatch.setattr(permutation, "_SAMPLED", 2048)


@pytest.fixture(scope="module")
def unembedding() -> Unembedding:
    """Of which token 0 is masked, so that a token's row is not its number; some rows are long."""
    random = torch.Generator().manual_seed(1)
    W_U = torch.randn(N + 1, D, generator=random)
    W_U[1::100] *= 2
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N + 1)], special=[0])
    return prepare_unembedding(W_U, vocabulary, name="m")


@pytest.fixture(scope="module")
def sets(unembedding: Unembedding) -> TokenSets:
    random = np.random.default_rng(2)
    sizes = [1, 2, 3, 5, 8] * 24 + [13, 21, 34, 55, 89, 300] * 3
    members = {
        str(i): 1 + np.sort(random.choice(N, size, replace=False)) for i, size in enumerate(sizes)
    }
    return TokenSets.from_ids(
        {**members, "none": [], "all": range(1, N + 1)}, unembedding.vocabulary
    )


def bank_of(unembedding: Unembedding, single: bool) -> Features:
    """Random directions, or half of them such that write a single token each."""
    random = torch.Generator().manual_seed(3)
    W_dec = torch.randn(F, D, generator=random)
    if single:
        W_dec[::2] = unembedding.W_U[torch.randint(N, (F // 2,), generator=random)]
    W_dec[7] = 0
    return Features.from_array(W_dec, name="bank")


def both(
    unembedding: Unembedding, sets: TokenSets, bank: Features
) -> tuple[DirectionTest, DirectionTest]:
    """The test of sets whose tokens were permuted, and the one of sets made of these tokens."""
    effects = effects_of(sets, unembedding)
    test = DirectionTest(Sweep(unembedding), effects, SecondMoment.identity(D))
    membership = Membership(N, sets.indptr, rows_of(sets, unembedding))
    permuted = test.of(permuted_effects(effects, membership, unembedding, ORDER))
    named = {
        info.name: np.sort(1 + ORDER[sets.ids[start:stop] - 1])
        for info, start, stop in zip(sets.infos, sets.indptr[:-1], sets.indptr[1:], strict=True)
    }
    built = TokenSets.from_ids(named, unembedding.vocabulary)
    assert built.names == sets.names
    return permuted, test.of(effects_of(built, unembedding))


@pytest.mark.parametrize("single", [False, True], ids=["random", "single tokens"])
def test_counts_are_those_of_every_pair(
    unembedding: Unembedding, sets: TokenSets, single: bool
) -> None:
    bank = bank_of(unembedding, single)
    permuted, built = both(unembedding, sets, bank)
    found = count_permuted(permuted, bank.W_dec, *LEVELS, 4)
    log10_p = built.log10_p(built.z(built.sweep.standardised(bank.W_dec).scaled))
    edges = np.abs(log10_p[:, :, None] - np.concatenate(LEVELS))
    assert edges.min() > 1e-5  # tables are that exact
    assert found.feature.tolist() == list(range(F))
    for at in range(2):
        pairs, features = log10_p <= LEVELS[0][at], log10_p <= LEVELS[1][at]
        np.testing.assert_array_equal(found.pairs[:, at], pairs.sum(1))
        np.testing.assert_array_equal(found.found[:, at], features.any(1))
    assert (found.pairs[7] == 0).all()
    assert 0 < found.found[:, 0].sum() < found.found[:, 1].sum()
    of_all = found.expected(F)
    np.testing.assert_allclose(of_all[0], found.pairs.sum(0))
    np.testing.assert_allclose(of_all[1], found.found.sum(0))
    assert (of_all[2] == 0).all()


def test_features_of_single_tokens_pass_and_random_ones_do_not(
    unembedding: Unembedding, sets: TokenSets
) -> None:
    deep = np.array([-5.5, -5.5])
    of_banks = []
    for single in (False, True):
        bank = bank_of(unembedding, single)
        permuted, _ = both(unembedding, sets, bank)
        of_banks.append(count_permuted(permuted, bank.W_dec, deep, deep, 4))
    random, single_tokens = of_banks
    assert (random.pairs.sum(0) <= 2).all()
    assert (single_tokens.pairs[::2].sum(0) > 30).all()
    assert (single_tokens.pairs[1::2].sum(0) <= 2).all()
    assert (single_tokens.found.sum(0) > 20).all()


def test_nothing_passes_where_no_p_does(unembedding: Unembedding, sets: TokenSets) -> None:
    bank = bank_of(unembedding, True)
    permuted, _ = both(unembedding, sets, bank)
    none = np.array([-np.inf, -np.inf])
    found = count_permuted(permuted, bank.W_dec, none, none, 4)
    assert not found.pairs.any()
    assert not found.found.any()
    some = count_permuted(permuted, bank.W_dec, none, np.array([-np.inf, -3.0]), 4)
    assert not some.pairs.any()
    assert some.found[:, 1].any()
    assert not some.found[:, 0].any()


def test_a_sample_says_of_all_what_it_should(
    unembedding: Unembedding, sets: TokenSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = bank_of(unembedding, True)
    permuted, _ = both(unembedding, sets, bank)
    every = count_permuted(permuted, bank.W_dec, *LEVELS, 0)
    monkeypatch.setattr(permutation, "_SAMPLED", 90)
    one, same, other = (count_permuted(permuted, bank.W_dec, *LEVELS, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.feature, same.feature)
    assert not np.array_equal(one.feature, other.feature)
    assert len(set(one.feature.tolist())) == 90
    assert (np.diff(one.feature) > 0).all()
    for sample in (one, other):
        np.testing.assert_array_equal(sample.pairs, every.pairs[sample.feature])
        np.testing.assert_array_equal(sample.found, every.found[sample.feature])


@pytest.mark.parametrize("count", [2, 60, 299, 300])
def test_the_error_is_that_of_samples(count: int) -> None:
    """Over many samples: their mean is the sum over all, and the error how far they spread."""
    random = np.random.default_rng(count)
    pairs = random.poisson(random.gamma(0.7, 3, (300, 1)), (300, 2))
    told = []
    for _ in range(4000):
        own = np.sort(random.choice(300, count, replace=False))
        sample = Permuted(own, pairs[own], (pairs[own] > 0).astype(np.int64))
        told.append(np.stack(sample.expected(300)))
    expected, found, error = np.stack(told, 1)
    spread = expected.std(0)
    np.testing.assert_array_less(np.abs(expected.mean(0) - pairs.sum(0)), 4 * spread / 60 + 1e-9)
    np.testing.assert_allclose(found.mean(0), (pairs > 0).sum(0), rtol=0.05)
    np.testing.assert_allclose((error**2).mean(0), spread**2, rtol=0.1, atol=1e-9)


def test_one_feature_has_no_error() -> None:
    one = Permuted(np.array([3]), np.array([[2, 5]]), np.array([[0, 1]]))
    assert [each.tolist() for each in one.expected(10)] == [[20, 50], [0, 10], [0, 0]]
