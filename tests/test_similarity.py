"""Cosines of logit weights without forming them: NumPy's correlations of all of them agree."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch

from unembed import Sweep, Unembedding, Vocabulary, prepare_unembedding
from unembed import similarity as module
from unembed.enrichment import SecondMoment
from unembed.features import Features
from unembed.lens import Lens
from unembed.similarity import chance_cosine, logit_rows


def uneven(lens: Lens = "logit", n: int = 400, d: int = 12) -> Unembedding:
    """Rows of W_U that vary a hundred times more along some dimensions than along others."""
    random = torch.Generator().manual_seed(0)
    W_U = torch.randn(n, d, generator=random) * torch.logspace(0, -2, d) + 3
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(n)], special=[0])
    return prepare_unembedding(W_U, vocabulary, name="uneven", lens=lens)


def directions(count: int, d: int = 12, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("lens", ["logit", "cosine"])
def test_dot_products_are_correlations_of_logit_weights(lens: Lens) -> None:
    unembedding, w = uneven(lens), directions(20)
    weights = (w.double() @ unembedding.W_U.double().T).numpy()
    rows = logit_rows(unembedding, w)
    np.testing.assert_allclose((rows @ rows.T).numpy(), np.corrcoef(weights), atol=2e-6)


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1e6])
def test_length_of_a_direction_does_not_matter(scale: float) -> None:
    unembedding, w = uneven(), directions(5)
    torch.testing.assert_close(logit_rows(unembedding, scale * w), logit_rows(unembedding, w))


def test_flat_features_are_those_of_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zero row, and one in a direction that no token's row sees."""
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 2)
    random = torch.Generator().manual_seed(0)
    W_U = torch.randn(300, 8, generator=random)
    W_U[:, 7] = 0
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(300)])
    unembedding = prepare_unembedding(W_U, vocabulary, name="blind")
    w = directions(5, d=8)
    w[1] = 0
    w[3] = torch.eye(8)[7]
    rows = logit_rows(unembedding, w)
    flat = torch.from_numpy(Sweep(unembedding).read(w).flat)
    assert flat.tolist() == [False, True, False, True, False]
    assert (rows[flat] == 0).all()
    torch.testing.assert_close(rows[~flat].norm(dim=1), torch.ones(3))


def test_chance_is_what_random_directions_do() -> None:
    unembedding, w = uneven(), directions(6)
    w[2] = 0
    moment = SecondMoment.of(Features.from_array(directions(200, seed=2) * torch.arange(1, 13)))
    chance = chance_cosine(unembedding, logit_rows(unembedding, w), moment.matrix)
    drawn = logit_rows(unembedding, moment.draw(40_000, 3))
    measured = (logit_rows(unembedding, w) @ drawn.T).square().mean(1).sqrt()
    assert chance[2] == 0
    # the ratio of means stands for the mean of ratios; cosines are bounded
    np.testing.assert_allclose(chance, measured, rtol=0.15)


def test_what_is_kept_goes_with_the_unembedding() -> None:
    unembedding = uneven()
    logit_rows(unembedding, directions(2))
    kept = weakref.ref(unembedding)
    del unembedding
    gc.collect()
    assert kept() is None


def test_the_covariance_is_factored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep, similarity and chance share one geometry."""
    factored: list[torch.Tensor] = []
    cholesky = torch.linalg.cholesky_ex
    monkeypatch.setattr(
        torch.linalg, "cholesky_ex", lambda matrix: factored.append(matrix) or cholesky(matrix)
    )
    unembedding, w = uneven(), directions(3)
    for _ in range(2):
        Sweep(unembedding).read(w)
        chance_cosine(unembedding, logit_rows(unembedding, w), torch.eye(12, dtype=torch.float64))
    assert len(factored) == 1
