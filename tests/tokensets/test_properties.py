"""Properties of tokens, and what the direction test makes of them."""

from __future__ import annotations

import math

import numpy as np
import torch

from unembed import Vocabulary
from unembed.enrichment.effects import effects_of
from unembed.tokensets import token_properties
from unembed.unembedding import prepare_unembedding

TEXTS = [" the", "<s>", " of", "ab", "東京", "x" * 9]


def test_by_hand() -> None:
    pieces = {at: text.encode() for at, text in enumerate(TEXTS)} | {6: b"\xe2\x80"}
    vocabulary = Vocabulary.from_ids(pieces, special=[1], kind="by hand")
    found = token_properties(vocabulary)
    ranks = [-math.log(place) for place in (1, 2, 3, 4, 5, 6)]
    assert np.allclose(np.delete(found["log_rank_frequency"], 1), ranks)
    assert found["length"].tolist() == [3, 0, 2, 2, 2, 9, 2]


def test_its_t_is_the_correlation_with_the_logit_weights() -> None:
    rng = np.random.default_rng(0)
    vocabulary = Vocabulary.from_texts([f" {'w' * (1 + at % 7)}{at}" for at in range(60)])
    W_U = rng.standard_normal((60, 5)).astype(np.float32)
    unembedding = prepare_unembedding(torch.from_numpy(W_U), vocabulary)
    effects = effects_of(token_properties(vocabulary), unembedding)
    weights = (W_U - W_U.mean(0)).astype(np.float64) @ (w := rng.standard_normal(5))
    for at, values in enumerate(token_properties(vocabulary).values()):
        t = effects.delta[at] @ w / weights.std()
        assert np.isclose(t, np.corrcoef(values, weights)[0, 1], atol=1e-5)
