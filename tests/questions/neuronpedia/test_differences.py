"""Where our numbers and a dashboard's differ, and by what: each claim of docs/neuronpedia.md.

A dashboard's numbers are told from the definitions: SAEDashboard multiplies decoder rows of length
1 with the W_U of a TransformerLens model, of all its tokens; that model is processed (γ folded in,
a LayerNorm's rows centred, W_U centred over the vocabulary), or not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from unembed import (
    Features,
    FinalNorm,
    Run,
    Unembedding,
    Vocabulary,
    analyze,
    neuronpedia,
    prepare_unembedding,
)

V, D, F = 200, 16, 12
_RANDOM = np.random.default_rng(0)
W_U = _RANDOM.standard_normal((V, D)) + 0.4
W_U[0] = 9 * _RANDOM.standard_normal(D)  # a special token, longer than all others
GAMMA = np.exp(_RANDOM.standard_normal(D))
W_DEC = _RANDOM.standard_normal((F, D)) * np.linspace(0.5, 3, F)[:, None]
UNIT = W_DEC / np.linalg.norm(W_DEC, axis=1, keepdims=True)
Kind = Literal["layernorm", "rmsnorm"]


def theirs(kind: Kind, *, processed: bool) -> np.ndarray:
    """The logit weights [F, V] of a dashboard, by definition."""
    rows = W_U.copy()
    if processed:
        rows *= GAMMA
        if kind == "layernorm":
            rows -= rows.mean(1, keepdims=True)
        rows -= rows.mean(0)
    return UNIT @ rows.T


def unembedding(
    kind: Kind, *, fold: bool = True, lens: Literal["logit", "cosine"] = "logit"
) -> Unembedding:
    vocabulary = Vocabulary.from_texts([f" t{token}" for token in range(V)], special=[0])
    norm = FinalNorm(kind, torch.from_numpy(GAMMA).float())
    return prepare_unembedding(
        W_U.astype(np.float32), vocabulary, norm=norm, fold=fold, lens=lens, name="tiny"
    )


def made(folder: Path, used: Unembedding) -> Run:
    bank = Features.from_array(W_DEC.astype(np.float32), name="a", neuronpedia="tiny/3-a")
    return analyze(used, [bank], folder / "run")


def ours(run: Run, **how: bool) -> dict[int, dict[int, float]]:
    """What is exported of each feature: the weights of its outermost tokens, by id."""
    sources = neuronpedia.sources_of(run)
    found = neuronpedia.exported(run, run.features, sources, tokens=V, **how)  # type: ignore[arg-type]
    return {
        int(each["index"]): {
            int(text[2:]): value
            for end in ("pos", "neg")
            for text, value in zip(each[f"{end}_str"], each[f"{end}_values"], strict=True)
        }
        for each in found
    }


def deviations(run: Run, dashboard: np.ndarray, **how: bool) -> list[np.ndarray]:
    """Ours less theirs, of each feature's outermost tokens."""
    return [
        np.array([value - dashboard[index, token] for token, value in weights.items()])
        for index, weights in ours(run, **how).items()
    ]


@pytest.mark.parametrize("kind", ["layernorm", "rmsnorm"])
def test_without_folding_they_are_the_same(tmp_path: Path, kind: Kind) -> None:
    run = made(tmp_path, unembedding(kind, fold=False))
    preparation = run.manifest.unembedding.preparation
    assert preparation["folded"] is False
    assert preparation["gamma_folded"] is False
    assert preparation["rows_centred_over_d_model"] is False
    for deviation in deviations(run, theirs(kind, processed=False), unit_norm=True):
        assert np.abs(deviation).max() < 1e-5
    # and with them the mean that a plain product has
    means = (W_DEC @ W_U[1:].T).mean(1)
    assert run.features["mean"].to_numpy() == pytest.approx(means, abs=1e-5)


@pytest.mark.parametrize("kind", ["layernorm", "rmsnorm"])
def test_processed_models_differ_by_one_number_a_feature(tmp_path: Path, kind: Kind) -> None:
    """Centring: theirs is over all tokens, ours over those that are real ones."""
    dashboard = theirs(kind, processed=True)
    run = made(tmp_path, unembedding(kind))
    assert "folded" not in run.manifest.unembedding.preparation
    for index, deviation in enumerate(deviations(run, dashboard, unit_norm=True)):
        assert np.ptp(deviation) < 1e-5
        assert deviation.mean() == pytest.approx(-dashboard[index, 1:].mean(), abs=1e-5)
        assert abs(deviation.mean()) > 1e-4


def test_folding_is_no_matter_of_scale(tmp_path: Path) -> None:
    """γ weights the dimensions: other tokens come out on top."""
    folded = made(tmp_path / "a", unembedding("rmsnorm"))
    plain = made(tmp_path / "b", unembedding("rmsnorm", fold=False))
    top = [run.features["top_ids"].list.first().to_list() for run in (folded, plain)]
    assert sum(one != other for one, other in zip(*top, strict=True)) > F / 3


def test_a_layer_norm_does_not_see_the_mean_of_a_direction() -> None:
    """So that its folded W_U has rows of mean 0, and without folding a shift of w shows."""
    shifted = torch.from_numpy(UNIT + 0.7).float()
    for fold in (True, False):
        rows = unembedding("layernorm", fold=fold).W_U
        moved = (shifted - torch.from_numpy(UNIT).float()) @ rows.T
        assert (moved.abs().max() < 1e-4) == fold


def test_special_tokens_stand_in_their_lists_and_not_in_ours(tmp_path: Path) -> None:
    dashboard = theirs("rmsnorm", processed=False)
    first = {*dashboard.argmax(1)} | {*dashboard.argmin(1)}
    assert 0 in first
    run = made(tmp_path, unembedding("rmsnorm", fold=False))
    assert all(0 not in weights for weights in ours(run).values())


def test_theirs_are_of_decoder_rows_of_length_one(tmp_path: Path) -> None:
    run = made(tmp_path, unembedding("rmsnorm", fold=False))
    plain, unit = ours(run), ours(run, unit_norm=True)
    lengths = np.linalg.norm(W_DEC, axis=1)
    for index in range(F):
        ratio = [plain[index][token] / unit[index][token] for token in plain[index]]
        assert ratio == pytest.approx([lengths[index]] * len(ratio), rel=1e-5)


def test_cosines_are_of_both_sides(tmp_path: Path) -> None:
    """Theirs has length 1 on the decoder's side alone: long rows of W_U come first."""
    run = made(tmp_path, unembedding("rmsnorm", lens="cosine"))
    rows = (W_U * GAMMA)[1:]
    rows = rows - rows.mean(0)
    cosines = UNIT @ (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T
    for index, weights in ours(run).items():
        assert max(map(abs, weights.values())) <= 1
        for token, value in weights.items():
            assert value == pytest.approx(cosines[index, token - 1], abs=1e-5)
