"""`Ties`: tokens that no feature tells apart, since their rows of W_U are the same.

Rows of tokens that training never saw are often what they were at the start, all alike or all zero.
Their logit weights are equal in every feature, so that their order in a ranking says nothing: what
is read of a ranking must not depend on which of them has the lower id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

_COLUMNS = 8
"""Of W_U, which lie side by side in memory: rows that differ mostly differ in these."""
_FACTOR = 0x9E3779B97F4A7C15
"""Odd, with bits of no pattern (2⁶⁴ over the golden ratio)."""


@dataclass(frozen=True, eq=False)
class Ties:
    """Groups of identical rows of W_U.

    Attributes:
        rows: [K] those of which there is another, group after group in the order of their first
            rows, ascending in each.
        indptr: [G + 1] where each group begins in `rows`.
    """

    rows: I64
    indptr: I64

    def __len__(self) -> int:
        """How many tokens have a row that others have too."""
        return len(self.rows)

    @cached_property
    def sizes(self) -> I64:
        """[G] the rows of each group."""
        return np.diff(self.indptr)

    @cached_property
    def heads(self) -> I64:
        """[G] the first row of each group."""
        return self.rows[self.indptr[:-1]]

    @cached_property
    def group(self) -> I64:
        """[K] which group each of `rows` is of."""
        return np.repeat(np.arange(len(self.heads)), self.sizes)

    def order(self, n_tokens: int) -> I64:
        """Return [n] all rows, those of a group at the place of its first, one after the other.

        Args:
            n_tokens: n.
        """
        place = np.arange(n_tokens)
        place[self.rows] = self.heads[self.group]
        return np.argsort(place, kind="stable")

    @cached_property
    def copies(self) -> tuple[I64, I64]:
        """The rows that are not the first of their group, and that first one of each."""
        first = self.heads[self.group]
        again = self.rows != first
        return self.rows[again], first[again]

    def same_as(self, other: Ties) -> bool:
        """Return whether the groups are the same."""
        return self is other or (
            np.array_equal(self.rows, other.rows) and np.array_equal(self.indptr, other.indptr)
        )


NO_TIES = Ties(np.empty(0, np.int64), np.zeros(1, np.int64))


def ties_of(W_U: Float[np.ndarray, "tokens d_model"]) -> Ties:
    """Return which rows are identical, number for number; -0.0 is 0.0.

    Few columns tell nearly all rows apart, so that it costs one look at the beginning of each.

    Args:
        W_U: [n, d_model] float32.
    """
    keys = _keys(W_U)
    order = np.argsort(keys, kind="stable")
    again = np.diff(keys[order]) == 0
    alike = np.sort(order[np.append(again, False) | np.insert(again, 0, False)])
    groups: dict[bytes, list[int]] = {}
    for row in alike.tolist():
        key = hashlib.sha256(np.ascontiguousarray(W_U[row] + np.float32(0)).data).digest()
        groups.setdefault(key, []).append(row)
    found = [rows for rows in groups.values() if len(rows) > 1]
    if not found:
        return NO_TIES
    ends = np.cumsum([0, *map(len, found)])
    return Ties(np.concatenate([np.array(rows, np.int64) for rows in found]), ends.astype(np.int64))


def _keys(values: npt.NDArray[np.float32]) -> U64:
    """Return [n] numbers that are the same for rows that begin alike, and hardly for others."""
    bits = (np.ascontiguousarray(values[:, :_COLUMNS]) + np.float32(0)).view(np.uint32)
    key = np.zeros(len(values), np.uint64)
    for column in bits.T:
        key = (key ^ column) * np.uint64(_FACTOR)
        key ^= key >> np.uint64(29)
    return key
