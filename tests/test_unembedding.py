"""Preparation of W_U, against the definition written out in float64."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from unembed import FinalNorm, Vocabulary, prepare_unembedding
from unembed.errors import ShapeError, VocabularyError, WeightError
from unembed.outside.row_reader import ROWS_AT_ONCE, RowReader

D, V = 12, 40
WORDS = Vocabulary.from_texts([f"t{i}" for i in range(V)])


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def residual_logits(W_U: torch.Tensor, norm: FinalNorm, w: torch.Tensor) -> torch.Tensor:
    """What adding w before the final norm does to logits, with the norm's scale held fixed."""
    x = w.double()
    if norm.kind == "layernorm":
        x = x - x.mean()
    if norm.weight is not None:
        x = x * (norm.weight.double() + (1.0 if norm.plus_one else 0.0))
    logits = W_U.double() @ x
    return logits - logits.mean()


@pytest.mark.parametrize(
    "norm",
    [
        FinalNorm("none"),
        FinalNorm("rmsnorm", random(D, seed=3)),
        FinalNorm("rmsnorm", random(D, seed=3), plus_one=True),
        FinalNorm("layernorm", random(D, seed=3)),
        FinalNorm("layernorm"),
    ],
    ids=["none", "rmsnorm", "gemma", "layernorm", "layernorm without parameters"],
)
def test_logit_weights_are_those_of_the_model(norm: FinalNorm) -> None:
    W_U, w = random(V, D, seed=1) * 5 + 2, random(D, seed=2)
    prepared = prepare_unembedding(W_U, WORDS, norm=norm)
    expected = residual_logits(W_U, norm, w)
    torch.testing.assert_close((prepared.W_U @ w).double(), expected, rtol=1e-5, atol=1e-5)


def test_order_of_fold_and_row_centring_matters_and_is_right() -> None:
    """A LayerNorm removes the mean before γ: a constant direction writes nothing."""
    norm = FinalNorm("layernorm", random(D).abs() + 0.5)
    prepared = prepare_unembedding(random(V, D, seed=1), WORDS, norm=norm)
    assert (prepared.W_U @ torch.ones(D)).abs().max() < 1e-5


def test_centred_over_the_vocabulary() -> None:
    prepared = prepare_unembedding(random(V, D) + 100, WORDS)
    assert prepared.W_U.double().mean(0).abs().max() < 1e-5
    assert not prepared.mean_row.any()


def test_masked_tokens_take_part_in_nothing() -> None:
    masked = Vocabulary.from_ids(
        {i: b"x%d" % i for i in range(V - 3)}, special=[0, 5], unused=[7], kind="test"
    )
    W_U = random(V, D)
    spoilt = W_U.clone()
    spoilt[[0, 5, 7, V - 1]] = 1e6
    prepared, same = (prepare_unembedding(w, masked) for w in (W_U, spoilt))
    assert prepared.token_ids.tolist() == [i for i in range(V - 3) if i not in (0, 5, 7)]
    assert torch.equal(prepared.W_U, same.W_U)
    assert prepared.preparation["masked_special"] == 2
    assert prepared.preparation["masked_unused"] == 4


def test_masked_tokens_may_be_nan() -> None:
    W_U = random(V, D)
    W_U[0] = torch.nan
    texts = Vocabulary.from_texts([f"t{i}" for i in range(V)], special=[0])
    assert torch.isfinite(prepare_unembedding(W_U, texts).W_U).all()


def test_rows_are_taken_a_few_at_a_time() -> None:
    """Of more rows than are read at once, where masked ones lie at either side of a cut."""
    cut, count = ROWS_AT_ONCE, 3 * ROWS_AT_ONCE
    special = [0, 7, cut - 1, cut, *range(2 * cut, count)]
    words = Vocabulary.from_texts([f"t{i}" for i in range(count)], special=special)
    given = random(count, D)
    prepared = prepare_unembedding(given, words)
    kept = [i for i in range(count) if i not in special]
    assert prepared.token_ids.tolist() == kept
    expected = given[kept].double() - given[kept].double().mean(0)
    torch.testing.assert_close(prepared.W_U.double(), expected, rtol=1e-6, atol=1e-6)
    reader = RowReader(tuple(given.shape), lambda start, stop: given[start:stop].clone())
    assert prepare_unembedding(reader, words).digest == prepared.digest


def test_the_given_matrix_is_left_alone() -> None:
    W_U = random(V, D)
    before = W_U.clone()
    prepare_unembedding(W_U, WORDS, norm=FinalNorm("layernorm", random(D)), lens="cosine")
    assert torch.equal(W_U, before)


def test_cosine_lens_gives_cosines() -> None:
    W_U, w = random(V, D, seed=1), random(D, seed=2)
    prepared = prepare_unembedding(W_U, WORDS, lens="cosine")
    centred = (W_U - W_U.mean(0)).double()
    expected = torch.cosine_similarity(centred, w.double()[None], dim=1)
    unit = w / w.norm()
    found = prepared.W_U @ unit + prepared.mean_row @ unit
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)


def test_covariance_gives_the_variance_of_logit_weights() -> None:
    prepared = prepare_unembedding(random(V, D, seed=1), WORDS)
    w = random(D, seed=2).double()
    variance = np.var((prepared.W_U.double() @ w).numpy())
    assert float(w @ prepared.covariance @ w) == pytest.approx(variance, rel=1e-6)


def test_the_root_of_the_covariance() -> None:
    prepared = prepare_unembedding(random(V, D, seed=1) * torch.logspace(0, -3, D), WORDS)
    w = random(5, D, seed=2)
    torch.testing.assert_close((w @ prepared.root).norm(dim=1), (w @ prepared.W_U.T).std(1, False))
    lengths = prepared.W_U.double().norm(dim=1)
    assert prepared.rms == pytest.approx(float(lengths.square().mean().sqrt()))


def test_half_precision_is_widened_before_anything_is_added() -> None:
    W_U = random(V, D).bfloat16()
    assert prepare_unembedding(W_U, WORDS).W_U.dtype == torch.float32


def test_more_rows_than_tokens_are_padding() -> None:
    prepared = prepare_unembedding(random(V + 5, D), WORDS)
    assert prepared.n_tokens == V
    assert len(prepared.vocabulary) == V + 5


def test_more_tokens_than_rows_is_an_error() -> None:
    with pytest.raises(VocabularyError, match=r"40 tokens but W_U has only 30 rows: token 30"):
        prepare_unembedding(random(30, D), WORDS)


def test_width_of_the_norm() -> None:
    with pytest.raises(ShapeError, match=r"shape \[5\], but W_U is 12 wide"):
        prepare_unembedding(random(V, D), WORDS, norm=FinalNorm("rmsnorm", random(5)))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_values_that_are_not_finite(bad: float) -> None:
    W_U = random(V, D)
    W_U[7, 3] = bad
    with pytest.raises(WeightError, match=r"1 rows, first in that of token 7 \('t7'\)"):
        prepare_unembedding(W_U, WORDS)


def test_row_of_zeros_has_no_cosine() -> None:
    W_U = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(WeightError, match=r"Token 2 \('c'\) has a row of zeros"):
        prepare_unembedding(W_U, Vocabulary.from_texts(["a", "b", "c"]), lens="cosine")


def test_everything_masked() -> None:
    texts = Vocabulary.from_texts(["a", "b"], special=[0, 1])
    with pytest.raises(VocabularyError, match="0 of 2 tokens are left"):
        prepare_unembedding(random(2, D), texts)


def test_digest_sees_every_change() -> None:
    W_U = random(V, D)
    digest = prepare_unembedding(W_U, WORDS).digest
    changed = W_U.clone()
    changed[3, 3] += 1e-3
    assert prepare_unembedding(W_U.clone(), WORDS).digest == digest
    assert prepare_unembedding(changed, WORDS).digest != digest
    assert prepare_unembedding(W_U, WORDS, lens="cosine").digest != digest
    other = Vocabulary.from_texts([f"u{i}" for i in range(V)])
    assert prepare_unembedding(W_U, other).digest != digest


@pytest.mark.parametrize("kind", ["parameter", "numpy"])
def test_any_kind_of_matrix(kind: str) -> None:
    W_U = random(V, D)
    given = torch.nn.Parameter(W_U.clone()) if kind == "parameter" else W_U.numpy().copy()
    assert prepare_unembedding(given, WORDS).digest == prepare_unembedding(W_U, WORDS).digest


def test_the_mean_is_taken_in_float64() -> None:
    """Forty thousand rows of 1000 and a little: a float32 sum would lose the little."""
    rows = 1000 + random(40_000, 2)
    texts = Vocabulary.from_texts([f"t{i}" for i in range(40_000)])
    assert prepare_unembedding(rows, texts).W_U.double().mean(0).abs().max() < 5e-5


@pytest.mark.slow
def test_a_norm_of_no_known_kind() -> None:
    """Tried where nothing checks annotations, as it is outside the tests."""
    command = [sys.executable, "-c", "import unembed; unembed.FinalNorm('LayerNorm')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert "'rmsnorm', 'layernorm', 'none'; found 'LayerNorm'" in done.stderr


def test_a_norm_with_nan_is_named() -> None:
    norm = FinalNorm("rmsnorm", torch.full((D,), torch.nan))
    with pytest.raises(WeightError, match="final norm's weight"):
        prepare_unembedding(random(V, D), WORDS, norm=norm)
