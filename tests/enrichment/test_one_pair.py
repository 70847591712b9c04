"""The leading edge of a feature, from the weights: against the definition, for either sign."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unembed import Features, Unembedding, leading_edge
from unembed.errors import QueryError, ShapeError, TokenSetError
from unembed.sweep import Weight
from unembed.tokensets import TokenSets


@pytest.fixture
def sets(unembedding: Unembedding) -> TokenSets:
    members = {"set": [2, 9, 40, 41, 77, 120, 150], "none": [], "all": range(1, 200)}
    return TokenSets.from_ids(members, unembedding.vocabulary)


@pytest.mark.parametrize("weight", ["none", "magnitude", "normal-scores"])
@pytest.mark.parametrize("index", range(6))
def test_members_up_to_the_peak(
    bank: Features, unembedding: Unembedding, sets: TokenSets, index: int, weight: Weight
) -> None:
    edge = leading_edge(bank, index, unembedding, sets, "set", weight=weight)
    weights = bank.W_dec[index] @ unembedding.W_U.T
    order = torch.sort(weights, descending=True, stable=True).indices.numpy()
    ids = unembedding.token_ids[order]
    inside = np.isin(ids, sets["set"])
    place = np.arange(1, len(ids) + 1)
    chosen = inside & (place <= edge.peak if edge.es > 0 else place > edge.peak)
    assert edge.es != 0
    assert edge.size == 7
    np.testing.assert_array_equal(edge.ids, ids[chosen])
    np.testing.assert_array_equal(edge.ranks, place[chosen])
    np.testing.assert_allclose(edge.weights, weights.numpy()[order][chosen], rtol=1e-4, atol=1e-5)


def test_both_signs(bank: Features, unembedding: Unembedding, sets: TokenSets) -> None:
    """A feature and its opposite share their edge, ranks counted from the other end."""
    both = Features.from_array(torch.stack([bank.W_dec[0], -bank.W_dec[0]]), name="both")
    up, down = (leading_edge(both, index, unembedding, sets, "set") for index in (0, 1))
    assert up.es == pytest.approx(-down.es)
    assert set(up.ids) == set(down.ids)
    np.testing.assert_array_equal(np.sort(up.ranks), np.sort(200 - down.ranks))


def test_nothing_is_factored_for_one_row(
    bank: Features, unembedding: Unembedding, sets: TokenSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(torch.linalg, "eigh")
    assert leading_edge(bank, 0, unembedding, sets, "set").es != 0


@pytest.mark.parametrize("name", ["none", "all"])
def test_sets_without_an_edge(
    bank: Features, unembedding: Unembedding, sets: TokenSets, name: str
) -> None:
    edge = leading_edge(bank, 0, unembedding, sets, name)
    assert edge.es == edge.peak == len(edge.ids) == 0


def test_a_dead_feature(unembedding: Unembedding, sets: TokenSets) -> None:
    dead = Features.from_array(torch.zeros(1, 16), name="dead")
    edge = leading_edge(dead, 0, unembedding, sets, "set")
    assert edge.es == len(edge.ids) == 0


def test_indices_not_positions(unembedding: Unembedding, sets: TokenSets, bank: Features) -> None:
    some = Features.from_array(bank.W_dec[:3], name="some", indices=[30, 10, 20])
    found = leading_edge(some, 10, unembedding, sets, "set")
    np.testing.assert_array_equal(
        found.ranks, leading_edge(bank, 1, unembedding, sets, "set").ranks
    )


def test_what_is_not_there(bank: Features, unembedding: Unembedding, sets: TokenSets) -> None:
    with pytest.raises(QueryError, match="bank has no feature 50"):
        leading_edge(bank, 50, unembedding, sets, "set")
    with pytest.raises(TokenSetError, match="sett"):
        leading_edge(bank, 0, unembedding, sets, "sett")
    narrow = Features.from_array(torch.ones(1, 8), name="narrow")
    with pytest.raises(ShapeError):
        leading_edge(narrow, 0, unembedding, sets, "set")
