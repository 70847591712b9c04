"""Identical rows of W_U: found, whatever else is alike; and what the sweep makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unembed import FinalNorm, Sweep, Unembedding, Vocabulary, prepare_unembedding
from unembed.lens import Lens
from unembed.products import product
from unembed.sweep import standardised
from unembed.sweep import sweep as sweep_module
from unembed.sweep.standardised import read_one, settled
from unembed.ties import NO_TIES, Ties, ties_of


def by_comparing(W_U: np.ndarray) -> list[list[int]]:
    """Each row against each other one, number for number."""
    groups = {tuple(np.flatnonzero((row == W_U).all(1)).tolist()) for row in W_U}
    return sorted(list(each) for each in groups if len(each) > 1)


def listed(ties: Ties) -> list[list[int]]:
    return sorted(part.tolist() for part in np.split(ties.rows, ties.indptr[1:-1]) if len(part))


def planted(n: int = 400, width: int = 16, seed: int = 0) -> tuple[torch.Tensor, list[list[int]]]:
    """Rows of which some are identical, far apart and side by side."""
    random = np.random.default_rng(seed)
    W_U = random.standard_normal((n, width)).astype(np.float32)
    groups = [sorted(part.tolist()) for part in np.split(random.permutation(n)[:90], (2, 5, 40))]
    for rows in groups:
        W_U[rows] = W_U[rows[0]]
    return torch.from_numpy(W_U), sorted(groups)


def prepared(W_U: torch.Tensor, lens: Lens = "logit", norm: str = "none") -> Unembedding:
    words = Vocabulary.from_texts([f"t{i}" for i in range(len(W_U))])
    weight = None if norm == "none" else torch.linspace(0.5, 2, W_U.shape[1])
    return prepare_unembedding(W_U, words, norm=FinalNorm(norm, weight), lens=lens)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(2, 60), st.integers(1, 3))
def test_found_as_by_comparing_all(seed: int, width: int, n: int, values: int) -> None:
    """Of few values, so that many rows begin alike, and many are zeros of either sign."""
    random = np.random.default_rng(seed)
    W_U = random.integers(0, values, (n, width)) * random.choice([-1.0, 1.0], (n, width))
    assert listed(ties_of(W_U.astype(np.float32))) == by_comparing(W_U)


def test_rows_that_only_begin_alike_are_not_identical() -> None:
    W_U = np.zeros((50, 40), np.float32)
    W_U[:, -1] = np.arange(50)
    assert ties_of(W_U) is NO_TIES


@pytest.mark.parametrize("norm", ["none", "rmsnorm", "layernorm"])
@pytest.mark.parametrize("lens", ["logit", "cosine"])
def test_preparation_leaves_them_identical(norm: str, lens: Lens) -> None:
    W_U, groups = planted()
    unembedding = prepared(W_U, lens, norm)
    assert listed(unembedding.ties) == groups
    assert unembedding.facts.preparation["identical_rows"] == 90


def test_no_word_of_it_where_there_are_none() -> None:
    """So that runs made before are the same runs."""
    unembedding = prepared(torch.randn(60, 8, generator=torch.Generator().manual_seed(0)))
    assert unembedding.ties is NO_TIES
    assert unembedding.facts.preparation == unembedding.preparation


def test_masked_tokens_are_not_among_them() -> None:
    words = Vocabulary.from_ids({i: b"x%d" % i for i in range(20)}, special=[3, 4], kind="test")
    W_U = torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    W_U[[3, 4, 9]] = 0
    assert not len(prepare_unembedding(W_U, words).ties)
    W_U[[9, 11]] = 0
    unembedding = prepare_unembedding(W_U, words)
    assert unembedding.token_ids[unembedding.ties.rows].tolist() == [9, 11]


def test_order_and_sizes() -> None:
    ties = ties_of(np.array([[1], [2], [1], [3], [2], [1]], np.float32))
    assert listed(ties) == [[0, 2, 5], [1, 4]]
    assert ties.order(6).tolist() == [0, 2, 5, 1, 4, 3]
    assert ties.same_as(ties_of(np.array([[7], [8], [7], [0], [8], [7]], np.float32)))
    assert not ties.same_as(NO_TIES)


def rounded(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """A product as a library may make it: the last digits depend on the column."""
    found = product(a, b, out=out)
    if found.dtype == torch.float32 and found.ndim == 2:
        found *= 1 + 1e-6 * torch.rand(found.shape[1], generator=torch.Generator().manual_seed(0))
    return found


def test_weights_of_a_group_are_those_of_its_first() -> None:
    ties = ties_of(np.array([[1], [2], [1], [2], [1]], np.float32))
    z = torch.arange(10.0).reshape(2, 5)
    assert settled(z, ties) is z
    assert z.tolist() == [[0, 1, 0, 1, 0], [5, 6, 5, 6, 5]]


@pytest.mark.parametrize("rows", [1, 7, 200])
@pytest.mark.parametrize("rounds", [False, True])
def test_every_reader_has_equal_weights_for_them(
    rows: int, rounds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More columns than a block of products has; and where each column is rounded otherwise."""
    if rounds:
        for module in (sweep_module, standardised):
            monkeypatch.setattr(module, "product", rounded)
    W_U, groups = planted(1337, 48)
    unembedding = prepared(W_U)
    W_dec = torch.randn(rows, 48, generator=torch.Generator().manual_seed(1))
    sweep = Sweep(unembedding)
    tiles = [tile.z.clone() for tile in sweep.tiles(W_dec)]
    for z in (torch.cat(tiles), torch.from_numpy(read_one(W_dec[0], unembedding).z[None])):
        for members in groups:
            assert (z[:, members] == z[:, members[:1]]).all()
    top = sweep.read(W_dec)
    assert (top.top_weights[:, :-1] >= top.top_weights[:, 1:]).all()
