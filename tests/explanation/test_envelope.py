"""The envelope against fresh directions, and tails that are exact however far out a token is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Sweep, Unembedding, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.effects import effects_of
from unembed.explanation import Envelope
from unembed.sweep import joined
from unembed.tokensets import TokenSets

N, D, FRESH = 1500, 48, 20_000


@pytest.fixture(scope="module")
def direction_test() -> DirectionTest:
    """Of a vocabulary whose rows are skewed and of different lengths, as real ones are."""
    random = torch.Generator().manual_seed(6)
    W_U = torch.randn(N, D, generator=random)
    W_U *= torch.rand(N, 1, generator=random) + 0.5
    W_U[:60, :4] += 1.5
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    unembedding = prepare_unembedding(W_U, vocabulary, name="m")
    sets = TokenSets.from_ids({"some": range(30)}, vocabulary)
    bank = Features.from_array(torch.randn(900, D, generator=random) * torch.linspace(0.3, 2, D))
    return DirectionTest(Sweep(unembedding), effects_of(sets, unembedding), SecondMoment.of(bank))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_direction_in_a_hundred_lies_beyond(direction_test: DirectionTest, seed: int) -> None:
    null = simulate(direction_test, None, 1000, seed, "none")
    assert len(null.kurtosis) > 6500  # with the mixtures of them
    envelope = Envelope.of(null, 0.99)
    assert envelope.left_tail_above == envelope.right_tail_above > 3
    assert envelope.skewness_below == -envelope.skewness_above < 0
    fresh = direction_test.moment.draw(FRESH, 1000 + seed)
    tiles = direction_test.sweep.tiles(fresh)
    read = joined([direction_test.sweep.statistics(tile) for tile in tiles])
    left = (read.left_tail > envelope.left_tail_above).mean()
    right = (read.right_tail > envelope.right_tail_above).mean()
    below = (read.skewness < envelope.skewness_below).mean()
    above = (read.skewness > envelope.skewness_above).mean()
    assert left + right == pytest.approx(0.01, abs=0.0035)
    assert below + above == pytest.approx(0.01, abs=0.0035)
    assert (read.kurtosis > envelope.kurtosis_above).mean() == pytest.approx(0.01, abs=0.0035)
    for one, other in ((left, right), (below, above)):
        assert one == pytest.approx(other, abs=4 * (0.01 / FRESH) ** 0.5)


@pytest.mark.parametrize("inside", [0.5, 0.9, 0.95])
def test_envelopes_of_other_shares(direction_test: DirectionTest, inside: float) -> None:
    envelope = Envelope.of(simulate(direction_test, None, 1000, 4, "none"), inside)
    tiles = direction_test.sweep.tiles(direction_test.moment.draw(5000, 9))
    read = joined([direction_test.sweep.statistics(tile) for tile in tiles])
    outside = (1 - inside) * np.array([0.5, 0.5, 1])
    found = [
        (read.left_tail > envelope.left_tail_above).mean(),
        (read.skewness > envelope.skewness_above).mean(),
        (read.kurtosis > envelope.kurtosis_above).mean(),
    ]
    np.testing.assert_allclose(found, outside, rtol=0.25)


@pytest.fixture(scope="module")
def far() -> Unembedding:
    """A vocabulary with a token that some directions move thirty standard deviations."""
    random = torch.Generator().manual_seed(7)
    W_U = torch.randn(4000, 8, generator=random)
    W_U[5, 0] = 34
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(4000)])
    return prepare_unembedding(W_U, vocabulary, name="far")


@pytest.mark.parametrize("share", [1.0, 0.3, 0.0])
def test_tails_are_exact(far: Unembedding, share: float) -> None:
    """Their mean is the kurtosis, also of tokens far beyond the histogram."""
    random = torch.Generator().manual_seed(8)
    W_dec = torch.randn(6, 8, generator=random) * (1 - share)
    W_dec[:, 0] += share * torch.tensor([1.0, -1, 1, -1, 1, -1])
    read = Sweep(far).read(W_dec)
    logits = np.matmul(W_dec.double().numpy(), far.W_U.double().numpy().T)
    z = (logits - logits.mean(1, keepdims=True)) / logits.std(1, keepdims=True)
    if share == 1:
        assert (np.abs(z).max(1) > 29.5).all()
    np.testing.assert_allclose(read.left_tail, 2 * (z.clip(max=0) ** 4).mean(1), rtol=2e-5)
    np.testing.assert_allclose(read.right_tail, 2 * (z.clip(min=0) ** 4).mean(1), rtol=2e-5)
    np.testing.assert_allclose(read.kurtosis, (z**4).mean(1), rtol=2e-5)
    np.testing.assert_allclose(read.left_tail + read.right_tail, 2 * read.kurtosis, rtol=1e-12)


def test_tails_of_features_that_write_nothing(far: Unembedding) -> None:
    read = Sweep(far).read(torch.zeros(2, 8))
    assert read.left_tail.tolist() == read.right_tail.tolist() == [0, 0]
