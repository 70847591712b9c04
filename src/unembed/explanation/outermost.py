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
        weights = self.squares**power
        total = weights.sum(1)[row]
        of_held = _weigh(held, row, weights)
        shares: F64 = np.divide(of_held, total, out=np.zeros(len(row)), where=total > 0)
        return shares


def count_bits(held: U64) -> I64:
    """Return how many tokens each number stands for."""
    as_bytes = np.ascontiguousarray(held).view(np.uint8).reshape(len(held), 8)
    counts: I64 = np.unpackbits(as_bytes, axis=1).sum(1, dtype=np.int64)
    return counts


def bits_saved(share: F64, of: I64, size: I64, tokens: int, sets: int) -> F64:
    """Return the bits that naming a set saves, of pairs [P]; below 0 where it saves none.

    Args:
        share: [P] λ, of the tail in the set.
        of: [P] tokens that the tail has.
        size: [P] m, tokens in the set.
        tokens: n.
        sets: S, of which one is named.
    """
    chance = np.clip(size / tokens, 1 / tokens, 1 - 1 / tokens)
    within, without = (
        _log2_times(share, share / chance),
        _log2_times(1 - share, (1 - share) / (1 - chance)),
    )
    more = share > chance
    saved: F64 = of * (within + without) * np.where(more, 1, -1) - np.log2(max(sets, 1))
    return saved


def _log2_times(weight: F64, of: F64) -> F64:
    """Return weight · log2(of), 0 where the weight is 0."""
    some = weight > 0
    found: F64 = np.where(some, weight * np.log2(np.where(some, of, 1.0)), 0.0)
    return found


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
def _weigh(held: U64, row: I64, weights: F64) -> F64:
    """Return the sum of the weights of the tokens that each number stands for."""
    found = np.zeros(len(held))
    for pair in range(len(held)):
        for at in range(weights.shape[1]):
            if held[pair] >> np.uint64(at) & np.uint64(1):
                found[pair] += weights[row[pair], at]
    return found
