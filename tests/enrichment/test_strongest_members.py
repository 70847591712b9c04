"""What is left of z without the strongest members, against sets that are built without them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch

from tests.pretend import DEVICE, pretended
from unembed import Features, Sweep, Unembedding, Vocabulary, prepare_unembedding
from unembed.enrichment import DirectionTest, SecondMoment, strongest_members
from unembed.enrichment.effects import effects_of, rows_of
from unembed.enrichment.strongest_members import Strongest, rests_on, z_without
from unembed.enrichment.strongest_members import strongest_members as find
from unembed.sweep import Membership
from unembed.tokensets import TokenSets

N, D, F = 1500, 24, 40
SIZES = (1, 2, 3, 7, 40, 63, 64, 65, 66, 200, 900)


class Made(NamedTuple):
    """Pairs of every feature and set, and what was found of them."""

    unembedding: Unembedding
    sets: TokenSets
    membership: Membership
    test: DirectionTest
    z_of_tokens: np.ndarray
    feature: np.ndarray
    token_set: np.ndarray
    z: np.ndarray
    strongest: Strongest
    left: np.ndarray


@pytest.fixture(scope="module")
def made() -> Made:
    """Half of the features write a token of some set, the others what they happen to."""
    random = torch.Generator().manual_seed(2)
    vocabulary = Vocabulary.from_texts([f"t{i}" for i in range(N + 1)], special=[0])
    W_U = torch.randn(N + 1, D, generator=random)
    W_U[1::50] *= 3
    draw = np.random.default_rng(3)
    members = {f"{size}": 1 + np.sort(draw.choice(N, size, replace=False)) for size in SIZES}
    for own in members.values():
        if len(own) > 64:  # as large sets have, those that are worth naming
            W_U[torch.from_numpy(own)] += 1.5 * torch.randn(D, generator=random)
    W_U[5], W_U[6] = 2 * W_U[7], 2 * W_U[7]  # tied
    unembedding = prepare_unembedding(W_U, vocabulary, name="m")
    sets = TokenSets.from_ids({**members, "tied": [4, 5, 6, 7, 30]}, vocabulary)
    W_dec = torch.randn(F, D, generator=random)
    W_dec[::2] += 2 * unembedding.W_U[torch.from_numpy(sets.ids[:: len(sets.ids) // 20][:20] - 1)]
    W_dec[1] = W_U[7]
    bank = Features.from_array(W_dec * torch.linspace(0.4, 2, D), name="bank")
    sweep = Sweep(unembedding)
    test = DirectionTest(sweep, effects_of(sets, unembedding), SecondMoment.of(bank))
    membership = Membership(N, sets.indptr, rows_of(sets, unembedding))
    (tile,) = sweep.tiles(bank.W_dec)
    every = test.z(tile.features.scaled)
    feature, token_set = (each.ravel() for each in np.indices(every.shape))
    z = every[feature, token_set]
    strongest = find(tile.z, feature, token_set, z > 0, membership)
    left = z_without(test, token_set, z, strongest)
    return Made(
        unembedding, sets, membership, test, tile.z.numpy().copy(), feature, token_set, z,
        strongest, left,
    )  # fmt: skip


def test_they_are_the_outermost_members_on_the_side_of_z(made: Made) -> None:
    for pair in range(len(made.z)):
        own = slice(*made.membership.indptr[made.token_set[pair] :][:2])
        rows = made.membership.rows[own]
        side = np.sign(made.z[pair])
        order = np.argsort(-side * made.z_of_tokens[made.feature[pair], rows], kind="stable")[:2]
        expected = rows[order].tolist() + [-1] * (2 - len(order))
        assert made.strongest.row[pair].tolist() == expected
        for row, z in zip(made.strongest.row[pair], made.strongest.z[pair], strict=True):
            assert z == (made.z_of_tokens[made.feature[pair], row] if row >= 0 else 0)
    sides = {np.sign(made.z[made.token_set == s]).sum() / F for s in range(len(made.sets))}
    assert all(-1 < side < 1 for side in sides)  # both signs, of every set


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_left_is_z_of_the_set_that_is_built_without_them(made: Made, count: int) -> None:
    sizes = np.diff(made.sets.indptr)[made.token_set]
    pairs = np.flatnonzero(sizes > count)
    without = {}
    for pair in pairs:
        own = slice(*made.sets.indptr[made.token_set[pair] :][:2])
        out = made.unembedding.token_ids[made.strongest.row[pair, :count]]
        without[str(pair)] = np.setdiff1d(made.sets.ids[own], out)
    built = TokenSets.from_ids(without, made.unembedding.vocabulary)
    test = made.test.of(effects_of(built, made.unembedding))
    # the features' logit weights are those of the tile: t is the mean over the set that is left
    expected = np.array(
        [
            made.z_of_tokens[made.feature[pair], built.ids[start:stop] - 1].mean(dtype=np.float64)
            for pair, start, stop in zip(pairs, built.indptr[:-1], built.indptr[1:], strict=True)
        ]
    )
    expected /= test.sd
    found, small = made.left[pairs, count - 1], sizes[pairs] <= 64
    np.testing.assert_allclose(found[small], expected[small], rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(found[~small], expected[~small], rtol=0.02, atol=1e-4)
    assert not np.allclose(found[~small], expected[~small], rtol=1e-4)
    assert (np.sign(made.z[pairs]) * (made.z[pairs] - found) > 0).mean() > 0.9


def test_what_is_left_of_one_token_and_of_two(made: Made) -> None:
    sizes = np.diff(made.sets.indptr)[made.token_set]
    assert (made.left[sizes == 1] == 0).all()
    assert (made.left[sizes == 2, 1] == 0).all()
    assert (made.left[sizes == 2, 0] != 0).all()
    assert (made.left[sizes > 2] != 0).all()


def test_equal_tokens_leave_in_the_order_of_rows(made: Made) -> None:
    tied = made.sets.names.index("tied")
    (pair,) = np.flatnonzero((made.feature == 1) & (made.token_set == tied))
    assert made.strongest.row[pair].tolist() == [4, 5]  # of ids 5 and 6
    assert made.strongest.z[pair, 0] == made.strongest.z[pair, 1]


def test_on_how_many_tokens_a_pair_rests(made: Made) -> None:
    critical = made.test.critical(-1.5)[made.token_set]
    passing = np.abs(made.z) >= critical
    assert set(np.sign(made.z[passing])) == {-1, 1}
    found = rests_on(made.z[passing], made.left[passing], critical[passing])
    for z, left, least, expected in zip(
        made.z[passing], made.left[passing], critical[passing], found, strict=True
    ):
        still = [(one >= least if z > 0 else one <= -least) for one in left]
        assert expected == (1 if not still[0] else 2 if not still[1] else 0)
    assert set(found) == {0, 1, 2}
    sizes = np.diff(made.sets.indptr)[made.token_set[passing]]
    assert (found[sizes == 1] == 1).all()
    assert (found[sizes == 2] > 0).all()


def test_what_is_left_on_the_other_side_is_nothing() -> None:
    z, left = np.array([5.0, -5.0], np.float32), np.array([[-4.0, 4.5], [4.0, -4.5]])
    assert rests_on(z, left, np.full(2, 3.0, np.float32)).tolist() == [1, 1]


@pytest.mark.parametrize("at_once", [3000, 2**24])
def test_on_a_device(made: Made, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strongest_members, "_FETCHED_AT_ONCE", at_once)
    of = made.feature, made.token_set, made.z > 0, made.membership
    with pretended() as mode:
        there = find(torch.from_numpy(made.z_of_tokens).to(DEVICE), *of)
    np.testing.assert_array_equal(there.row, made.strongest.row)
    np.testing.assert_array_equal(there.z, made.strongest.z)
    assert (mode.fetched == 1) == (at_once == 2**24)


def test_no_pairs(made: Made) -> None:
    none = np.zeros(0, np.int64)
    of = none, none, np.zeros(0, bool), made.membership
    here = find(torch.from_numpy(made.z_of_tokens), *of)
    with pretended():
        there = find(torch.from_numpy(made.z_of_tokens).to(DEVICE), *of)
    z = np.zeros(0, np.float32)
    for found in (here, there):
        assert found.row.shape == found.z.shape == (0, 2)
        left = z_without(made.test, none, z, found)
        assert left.shape == (0, 2)
        assert len(rests_on(z, left, z)) == 0
