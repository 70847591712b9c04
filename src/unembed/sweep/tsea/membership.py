"""`Membership`: token sets as TSEA needs them, over the rows of W_U."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.errors import TokenSetError
from unembed.sweep.tsea.bits import WORD
from unembed.sweep.tsea.blocks import Blocks, Twice
from unembed.ties import NO_TIES, Ties

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U64 = npt.NDArray[np.uint64]

MARKED = 384
"""Sets of so many members and more are marked in the ranking, one after the other."""
DENSE = 4096
"""Sets of so many members and more are read as bits, 64 at a time."""
LANES = 16
"""The smallest are sorted 16 at a time, side by side."""


@dataclass(frozen=True, eq=False)
class Membership:
    """S sets of the n rows of W_U.

    Attributes:
        n_tokens: n.
        indptr: [S + 1] where each set begins in `rows`.
        rows: [memberships] ascending in each set.
        ties: which of the n rows are identical.

    Raises:
        TokenSetError: for rows that are out of range, or not ascending within a set.
    """

    n_tokens: int
    indptr: I64
    rows: I32
    ties: Ties = NO_TIES

    def __post_init__(self) -> None:
        rows, indptr = self.rows, self.indptr
        if len(rows) and not 0 <= rows.min() <= rows.max() < self.n_tokens:
            raise TokenSetError(f"A token set holds rows outside 0 to {self.n_tokens - 1}.")
        falls = np.diff(rows) <= 0
        starts = indptr[1:-1]
        falls[starts[(starts > 0) & (starts < len(rows))] - 1] = False
        if falls.any():
            raise TokenSetError("The rows of a token set should be ascending, each once.")

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @cached_property
    def sizes(self) -> I64:
        """[S] the members of each set."""
        return np.diff(self.indptr)

    @property
    def testable(self) -> npt.NDArray[np.bool_]:
        """[S] whether a set has both members and others."""
        found: npt.NDArray[np.bool_] = (self.sizes > 0) & (self.sizes < self.n_tokens)
        return found

    @cached_property
    def sparse(self) -> Batches:
        """The testable sets of few members."""
        return self.batches(np.flatnonzero(self.testable & (self.sizes < MARKED)))

    @cached_property
    def marked(self) -> I64:
        """The numbers of the testable sets of more members, but not very many."""
        return np.flatnonzero(self.testable & (self.sizes >= MARKED) & (self.sizes < DENSE))

    @cached_property
    def every(self) -> Batches:
        """All testable sets."""
        return self.batches(np.flatnonzero(self.testable))

    @cached_property
    def dense(self) -> tuple[I64, U64]:
        """The testable sets of very many members, and [n + 1, ⌈sets / 64⌉] their bits at each row.

        The last row is of no token.
        """
        sets = np.flatnonzero(self.testable & (self.sizes >= DENSE))
        bits = np.zeros((self.n_tokens + 1, -(-len(sets) // WORD)), np.uint64)
        for at, number in enumerate(sets):
            members = self.rows[self.indptr[number] : self.indptr[number + 1]]
            bits[members, at // WORD] |= np.uint64(1) << np.uint64(at % WORD)
        return sets, bits

    @cached_property
    def blocks(self) -> Blocks:
        """Where identical rows stand in rankings."""
        return Blocks.of(self.ties, self.n_tokens)

    @cached_property
    def twice(self) -> Twice:
        """The sets as they are read: those that part a block of identical rows twice."""
        return Twice.of(self.indptr, self.rows, self.ties, self.n_tokens)

    @property
    def as_read(self) -> Membership:
        """The sets of `twice`; these, where none stands twice."""
        return self._as_read if len(self.twice.parted) else self

    @cached_property
    def _as_read(self) -> Membership:
        return Membership(self.n_tokens, self.twice.indptr, self.twice.rows, self.ties)

    def of_sets(self, sets: I64) -> Membership:
        """Return some of the sets, by number, in the order given."""
        parts = [self.rows[self.indptr[number] : self.indptr[number + 1]] for number in sets]
        ends = np.cumsum([0, *map(len, parts)])
        rows = np.concatenate([np.empty(0, np.int32), *parts])
        return Membership(self.n_tokens, ends.astype(np.int64), rows, self.ties)

    def with_ties(self, ties: Ties) -> Membership:
        """Return the sets with what is known of identical rows; as they are, if they know it."""
        return self if self.ties.same_as(ties) else replace(self, ties=ties)

    def batches(self, sets: I64) -> Batches:
        """Return sets side by side, 16 of about the same size together."""
        by_size = sets[np.argsort(self.sizes[sets], kind="stable")]
        padded = np.full(-(-len(sets) // LANES) * LANES, -1, np.int64)
        padded[: len(sets)] = by_size
        lanes = padded.reshape(-1, LANES)
        sizes = np.where(lanes < 0, 0, self.sizes[lanes])
        starts = np.concatenate([[0], np.cumsum(sizes.max(1, initial=0))])
        rows = np.full((starts[-1], LANES), self.n_tokens, np.int32)
        for batch, start in enumerate(starts[:-1]):
            for lane, (number, size) in enumerate(zip(lanes[batch], sizes[batch], strict=True)):
                first = self.indptr[number]
                rows[start : start + size, lane] = self.rows[first : first + size]
        return Batches(lanes, sizes, starts, rows)


class Batches(NamedTuple):
    """Sets in batches of 16, their members side by side.

    Attributes:
        sets: [B, 16] their numbers, −1 where there is none.
        sizes: [B, 16] their members.
        starts: [B + 1] where each batch begins in `rows`.
        rows: [·, 16] each set's members down a column, n where it has no more.
    """

    sets: I64
    sizes: I64
    starts: I64
    rows: I32
