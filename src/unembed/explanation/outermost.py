"""Which of a feature's outermost tokens a token set holds, and what naming the set says of them.

To tell somebody which tokens a feature moves most takes log2(n) bits each. Who is told a set of m
tokens, and that a share λ of the feature's tail is in it, is spared KL(λ ‖ m/n) bits a token, with
λ log2(λ n/m) + (1 − λ) log2((1 − λ)/(1 − m/n)) for KL, less log2 S for which of S sets is meant
(Rissanen 1978, *Modeling by shortest data description*). That is large where a set holds much of
the tail, and little else: one word in all its forms says less than the field it belongs to, and
half the vocabulary says next to nothing. Tokens count by their share of the variance: the square
of z.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log2

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.explanation.members import holds, members_of
from unembed.explanation.settings import N_OUTERMOST
from unembed.sweep import FeatureStatistics

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Outermost:
    """The outermost tokens of F features, on either side.

    Attributes:
        ids: [2 F, k] those with the largest weights of every feature, then those with the smallest.
        squares: [2 F, k] their logit weights, squared.
    """

    ids: I32
    squares: F64

    @classmethod
    def of(cls, statistics: FeatureStatistics) -> Outermost:
        """Return those of some features, up to `N_OUTERMOST`."""
        some = slice(N_OUTERMOST)
        ids = (statistics.top_ids[:, some], statistics.bottom_ids[:, some])
        weights = (statistics.top_weights[:, some], statistics.bottom_weights[:, some])
        return cls(
            np.ascontiguousarray(np.concatenate(ids), np.int32),
            np.concatenate(weights).astype(np.float64) ** 2,
        )

    @cached_property
    def totals(self) -> F64:
        """[2 F] of the squares of each row."""
        totals: F64 = self.squares.sum(1)
        return totals

    def row(self, feature: I64, promoted: Bools) -> I64:
        """Return the row [P] of features on the side that is promoted, or suppressed."""
        rows: I64 = np.where(promoted, feature, feature + len(self.ids) // 2)
        return rows

    def held(self, row: I64, token_set: I64, indptr: I64, members: I32) -> U64:
        """Return which of the tokens of rows [P] are in sets [P]: bit i, token i.

        Args:
            row: as `row` returns it.
            token_set: which set.
            indptr: [S + 1] where each set begins in `members`.
            members: [memberships] token ids, ascending in each set.
        """
        return _held(self.ids, row, token_set, indptr, members)

    def share(self, row: I64, held: U64, power: int = 1) -> F64:
        """Return how much of the squares of rows [P], to a power, some of their tokens have."""
        shares = np.empty(len(row))
        _fill_shares(held, row, self.squares**power, shares)
        return shares


def count_bits(held: U64) -> I64:
    """Return how many tokens each number stands for."""
    as_bytes = np.ascontiguousarray(held).view(np.uint8).reshape(len(held), 8)
    counts: I64 = np.unpackbits(as_bytes, axis=1).sum(1, dtype=np.int64)
    return counts


@compiled()
def bits_saved(share: float, of: int, size: int, tokens: int, sets: int) -> float:
    """Return the bits that naming a set saves; below 0 where it saves none.

    Args:
        share: λ, of the tail in the set.
        of: tokens that the tail has.
        size: m, tokens in the set.
        tokens: n.
        sets: S, of which one is named.
    """
    chance = min(max(size / tokens, 1 / tokens), 1 - 1 / tokens)
    entropy = _log2_times(share, share / chance)
    entropy += _log2_times(1 - share, (1 - share) / (1 - chance))
    return of * (entropy if share > chance else -entropy) - log2(max(sets, 1))


@compiled()
def _log2_times(weight: float, of: float) -> float:
    """Return weight · log2(of), 0 where the weight is 0."""
    return weight * log2(of) if weight > 0 else 0.0


@compiled()
def tell(
    candidates: I64, named: I64, row: I64, held: U64, squares: F64, totals: F64, size: I64,
    name: F64, tokens: int, sets: int, adds: I64, worth: F64,
) -> None:  # fmt: skip
    """Fill in how many tokens candidates [K] add to named ones [K, C], and the bits it saves [K].

    Args:
        candidates: which of P.
        named: beside which of P, −1 for none; those of the other side do not count.
        row: [P] of the outermost tokens.
        held: [P] which of them.
        squares: [2 F, k] their weights.
        totals: [2 F] sums of these.
        size: [P] of the sets.
        name: [P] what their names are worth.
        tokens: n.
        sets: S.
        adds: [K] filled in.
        worth: [K] filled in: at least 0.
    """
    for at in range(len(candidates)):
        own = candidates[at]
        side, known = row[own], np.uint64(0)
        for other in named[at]:
            if other >= 0 and row[other] == side:
                known |= held[other]
        weights, total = squares[side], totals[side]
        new = held[own] & ~known
        adds[at] = _count(new)
        left, share = 1 - _share(known, weights, total), 0.0
        if left > 0:
            share = min(max(_share(new, weights, total) / left, 0.0), 1.0)
        saved = bits_saved(share, len(weights) - _count(known), size[own], tokens, sets)
        worth[at] = max(saved, 0.0) * name[own]


@compiled()
def _held(ids: I32, row: I64, token_set: I64, indptr: I64, rows: I32) -> U64:
    held = np.zeros(len(row), np.uint64)
    for pair in range(len(row)):
        members = members_of(token_set[pair], indptr, rows)
        tokens = ids[row[pair]]
        for at in range(tokens.shape[0]):
            if holds(members, tokens[at]):
                held[pair] |= np.uint64(1) << np.uint64(at)
    return held


@compiled()
def _fill_shares(held: U64, row: I64, weights: F64, shares: F64) -> None:
    """Fill in the share of the weights of rows that the tokens of each number have."""
    for pair in range(len(held)):
        of_row = weights[row[pair]]
        shares[pair] = _share(held[pair], of_row, of_row.sum())


@compiled()
def _share(held: np.uint64, weights: F64, total: float) -> float:
    """Return the share of the weights of a row that the tokens of a number have."""
    if total <= 0:
        return 0.0
    found = 0.0
    for at in range(len(weights)):
        if held >> np.uint64(at) & np.uint64(1):
            found += weights[at]
    return found / total


@compiled()
def _count(held: np.uint64) -> int:
    """Return how many tokens a number stands for."""
    count = 0
    while held:
        held &= held - np.uint64(1)
        count += 1
    return count
