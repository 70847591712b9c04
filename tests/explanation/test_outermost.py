"""Which outermost tokens sets hold, and what naming a set saves, against counting and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import rel_entr

from unembed.explanation.members import within
from unembed.explanation.outermost import Outermost, bits_saved, count_bits
from unembed.explanation.telling import Telling

N, K = 500, 50


@pytest.fixture(scope="module")
def sets() -> list[set[int]]:
    """Sets of many sizes; the second lies within the third, the last is empty."""
    random = np.random.default_rng(0)
    found = [set(random.permutation(N)[:size].tolist()) for size in (3, 20, 90, 400)]
    return [*found[:2], found[1] | found[2], found[3], set()]


@pytest.fixture(scope="module")
def packed(sets: list[set[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.append(0, np.cumsum([len(of) for of in sets]))
    return indptr, np.concatenate([sorted(of) for of in sets]).astype(np.int32)


def some(features: int) -> Outermost:
    random = np.random.default_rng(1)
    ids = [random.permutation(N)[:K] for _ in range(2 * features)]
    return Outermost(np.array(ids, np.int32), random.exponential(1, (2 * features, K)))


def test_what_sets_hold_is_what_they_share_with_the_row_of_the_side(
    sets: list[set[int]], packed: tuple[np.ndarray, np.ndarray]
) -> None:
    outermost = some(3)
    feature, token_set = np.repeat(np.arange(3), 10), np.tile(np.arange(5), 6)
    promoted = np.tile(np.repeat([True, False], 5), 3)
    row = outermost.row(feature, promoted)
    assert row.tolist() == [f if up else f + 3 for f, up in zip(feature, promoted, strict=True)]
    held = outermost.held(row, token_set, *packed)
    counts, shares = count_bits(held), outermost.share(row, held)
    fourth = outermost.share(row, held, 2)
    for at in range(len(row)):
        inside = np.isin(outermost.ids[row[at]], sorted(sets[token_set[at]]))
        assert [int(held[at]) >> i & 1 for i in range(K)] == inside.tolist()
        assert counts[at] == inside.sum()
        squares = outermost.squares[row[at]]
        assert shares[at] == pytest.approx(squares[inside].sum() / squares.sum())
        assert fourth[at] == pytest.approx((squares[inside] ** 2).sum() / (squares**2).sum())


def test_a_feature_without_weights_has_no_shares() -> None:
    outermost = Outermost(np.zeros((2, K), np.int32), np.zeros((2, K)))
    assert outermost.share(np.array([0]), np.array([3], np.uint64)).tolist() == [0]


def test_sixty_four_tokens_are_told_apart() -> None:
    outermost = Outermost(np.arange(64, dtype=np.int32)[None].repeat(2, 0), np.ones((2, 64)))
    held = outermost.held(
        np.array([0]), np.array([0]), np.array([0, 2]), np.array([0, 63], np.int32)
    )
    assert held.tolist() == [1 + (1 << 63)]
    assert count_bits(held).tolist() == [2]


def test_bits_are_those_of_the_relative_entropy() -> None:
    share, size = (each.ravel() for each in np.meshgrid(np.linspace(0, 1, 11), [1, 20, 250, 500]))
    saved = np.array(
        [bits_saved(float(of), K, int(m), N, 32) for of, m in zip(share, size, strict=True)]
    )
    chance = np.minimum(size / N, 1 - 1 / N)
    entropy = (rel_entr(share, chance) + rel_entr(1 - share, 1 - chance)) / np.log(2)
    more = share > chance
    np.testing.assert_allclose(saved[more], K * entropy[more] - 5, rtol=1e-9)
    assert (saved[~more] <= -5).all()


def test_who_is_told_a_set_needs_that_many_fewer_bits_for_the_tokens() -> None:
    """The code itself: which tokens, one after the other, of two kinds."""
    inside, size = 30, 60
    plain = K * np.log2(N)
    told = inside * np.log2(size / (inside / K)) + (K - inside) * np.log2(
        (N - size) / (1 - inside / K)
    )
    saved = bits_saved(inside / K, K, size, N, 1)
    assert saved == pytest.approx(plain - told)


def test_sets_lie_within_those_that_have_all_their_members(
    sets: list[set[int]], packed: tuple[np.ndarray, np.ndarray]
) -> None:
    one, other = (each.ravel() for each in np.meshgrid(range(5), range(5)))
    expected = [sets[a] <= sets[b] for a, b in zip(one, other, strict=True)]
    assert within(one, other, *packed).tolist() == expected
    assert sum(expected) > 5 + 4


def test_what_is_covered_is_what_any_named_set_of_a_side_has(
    sets: list[set[int]], packed: tuple[np.ndarray, np.ndarray]
) -> None:
    outermost, feature = some(3), np.repeat(np.arange(3), 5)
    row, token_set = outermost.row(feature, np.ones(15, bool)), np.tile(np.arange(5), 3)
    telling = Telling(
        outermost, row, outermost.held(row, token_set, *packed), np.ones(15, int), np.ones(15), N, 5
    )
    named = np.array([[1, 3, 0], [9, -1, -1], [-1, -1, -1]])
    for of, chosen, share in zip(outermost.ids[:3], named, telling.covered(named), strict=True):
        members = set[int]().union(*(sets[token_set[at]] for at in chosen if at >= 0))
        assert share == (len({*of.tolist()} & members) / K if (chosen >= 0).any() else None)
    assert telling.covered(named)[1] == 0  # the last set is empty
