"""The fewest tokens without which a tail is ordinary: by leaving them out, one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kurtosis

from unembed import Sweep, SweepSettings, Vocabulary, prepare_unembedding
from unembed.explanation import Envelope
from unembed.explanation.shortest import fewest_tokens
from unembed.sweep import FeatureStatistics
from unembed.unembedding import Lens

N, D, KEPT = 1200, 40, 12
ENVELOPE = Envelope(0.0, 0.0, 0.0, left_tail_above=3.7, right_tail_above=3.5)


def read(lens: Lens) -> tuple[np.ndarray, FeatureStatistics]:
    """Return the logit weights of features, and what the sweep says of them."""
    random = torch.Generator().manual_seed(8)
    W_U = torch.randn(N, D, generator=random)
    W_U[:, 1] = 6 * torch.randn(N, generator=random).exp()  # so that cosines have a mean
    W_U[:4] *= 4  # a few tokens far out
    W_U[4:34, 0] += 5  # and more than are kept
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N)])
    unembedding = prepare_unembedding(W_U, vocabulary, name="m", lens=lens)
    W_dec = torch.randn(600, D, generator=random)
    W_dec[50] = torch.eye(D)[0]
    W_dec[51] = 0
    weights = W_dec.double() @ unembedding.W_U.double().T
    statistics = Sweep(unembedding, SweepSettings(top_k=KEPT)).read(W_dec)
    return weights.numpy(), statistics


def fewest(weights: np.ndarray, limit: float) -> int | None:
    """The definition: the right tail's share of the kurtosis of what is left."""
    z = (weights - weights.mean()) / weights.std()
    for count in range(KEPT + 1):
        left = np.sort(z)[: len(z) - count]
        tail = kurtosis(left, fisher=False) * 2 * (left[left > 0] ** 4).sum() / (left**4).sum()
        if tail <= limit:
            return count or None
    return None


@pytest.mark.parametrize("lens", ["logit", "cosine"])
def test_tokens_are_left_out_until_the_tail_is_ordinary(lens: Lens) -> None:
    weights, statistics = read(lens)
    top, bottom = fewest_tokens(statistics, ENVELOPE, N)
    alive = [at for at in range(len(weights)) if at != 51]
    assert [top[at] for at in alive] == [fewest(weights[at], 3.5) for at in alive]
    assert [bottom[at] for at in alive] == [fewest(-weights[at], 3.7) for at in alive]
    assert top[51] is bottom[51] is None


def test_some_need_one_some_more_and_some_more_than_are_kept() -> None:
    _, statistics = read("logit")
    top, bottom = fewest_tokens(statistics, ENVELOPE, N)
    assert {1, 2, None} <= set(top)
    assert {1, 2, None} <= set(bottom)
    assert statistics.right_tail[50] > 3.5
    assert top[50] is None
