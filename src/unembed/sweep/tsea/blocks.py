"""Tokens of identical rows of W_U, which a running sum passes in one step.

They stand together in every ranking, as a block, and in no order. So the sum is read at the ends of
blocks alone, and ranks within are middle ones, as in Mann and Whitney's U.

A set that holds all of a block, or nothing of it, has its extremes at the ends in any case. One
that parts a block is read twice, by any reader of ordered ranks. With its k members in the last k
places of the block, the sum after the last of them is that at the block's end, and all before it
within are lower: the top is right. With them in the first k, the bottom is. The mean of both sums
of ranks is that of middle ranks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.sweep.tsea.readings import TseaReadings
from unembed.ties import Ties

I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class Blocks(NamedTuple):
    """Where identical rows stand in every ranking: together, in the order of the rows.

    All are empty where no rows are identical.

    Attributes:
        order: [n] the rows in the order in which equal weights stand.
        place: [n] of each row in it.
        heads: [G] the first row of each block, ascending.
        tails: [G] the last.
        sizes: [G] how many rows it has.
    """

    order: I32
    place: I32
    heads: I32
    tails: I32
    sizes: I32

    @classmethod
    def of(cls, ties: Ties, n_tokens: int) -> Blocks:
        """Return the blocks of some of the n rows of W_U."""
        order = ties.order(n_tokens) if len(ties) else np.empty(0, np.int64)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        tails = ties.rows[ties.indptr[1:] - 1]
        found = (order, place, ties.heads, tails, ties.sizes)
        return cls(*(each.astype(np.int32) for each in found))


class Twice(NamedTuple):
    """S sets as they are read: those that part a block twice.

    Attributes:
        parted: [P] numbers of the sets that hold some tokens of a block, and not all.
        indptr: [S + P + 1] where each set begins in `rows`.
        rows: [·] members, ascending: of all sets, those of a parted one in the last places of its
            blocks; and of the parted ones again, in the first.
        side: [S + P] which extreme counts: 1 the top, −1 the bottom, 0 the larger of them.
        again: [S] the number at which a parted set stands again, −1 for any other.
    """

    parted: I64
    indptr: I64
    rows: I32
    side: I8
    again: I64

    @classmethod
    def of(cls, indptr: I64, rows: I32, ties: Ties, n_tokens: int) -> Twice:
        """Return how sets are read.

        Args:
            indptr: [S + 1] where each begins in `rows`.
            rows: [·] of W_U, ascending in each set.
            ties: which rows are identical.
            n_tokens: how many rows there are.
        """
        sizes = np.diff(indptr)
        if not len(ties):
            both, once = np.zeros(len(sizes), np.int8), np.full(len(sizes), -1)
            return cls(np.empty(0, np.int64), indptr, rows, both, once)
        owner = np.repeat(np.arange(len(sizes)), sizes)
        last, first, parted = _at_the_ends(rows, owner, ties, n_tokens)
        of_parted = np.flatnonzero(np.isin(owner, parted))
        last, first = (
            each[of_parted[np.lexsort((each[of_parted], owner[of_parted]))]]
            for each in (last, first)
        )
        every = rows.copy()
        every[of_parted] = last
        side, again = np.zeros(len(sizes), np.int8), np.full(len(sizes), -1)
        side[parted], again[parted] = 1, len(sizes) + np.arange(len(parted))
        return cls(
            parted,
            np.append(indptr, indptr[-1] + np.cumsum(sizes[parted])),
            np.append(every, first),
            np.append(side, np.full(len(parted), -1, np.int8)),
            again,
        )

    def of_sets(self, found: TseaReadings) -> TseaReadings:
        """Return the readings [T, S] of sets from those of all that was read [T, S + P]."""
        if not len(self.parted):
            return found
        count = len(self.again)
        once = TseaReadings(*(each[:, :count].copy() for each in found))
        _join(once, (slice(None), self.parted), TseaReadings(*(each[:, count:] for each in found)))
        return once

    def pairs(self, row: I64, token_set: I64) -> tuple[I64, I64, I64]:
        """Return single pairs as they are read, and which of those given each is of.

        Args:
            row: [P] of a tile, ascending.
            token_set: [P] numbers of sets.
        """
        if not len(self.parted):
            return row, token_set, np.arange(len(row))
        of = np.repeat(np.arange(len(row)), 1 + (self.again[token_set] >= 0))
        second = np.diff(of, prepend=-1) == 0
        return row[of], np.where(second, self.again[token_set[of]], token_set[of]), of

    def of_pairs(self, found: TseaReadings, of: I64) -> TseaReadings:
        """Return the readings of single pairs from those of all that was read (`pairs`)."""
        second = np.flatnonzero(np.diff(of, prepend=-1) == 0)
        if not len(second):
            return found
        once = TseaReadings(*(np.delete(each, second) for each in found))
        _join(once, (of[second],), TseaReadings(*(each[second] for each in found)))
        return once


def sums_of(weights: F64) -> F64:
    """Return [n + 1] the sums of the weights before each rank, and of all."""
    return np.append(0.0, np.cumsum(weights))


def _at_the_ends(rows: I32, owner: I64, ties: Ties, n_tokens: int) -> tuple[I32, I32, I64]:
    """Return members in the last and in the first places of their blocks, and who parts one.

    Args:
        rows: [·] members, ascending in each set.
        owner: [·] the set that each is of.
        ties: which rows are identical.
        n_tokens: how many rows there are.
    """
    group_of = np.full(n_tokens, -1)
    group_of[ties.rows] = ties.group
    tied = np.flatnonzero(group_of[rows] >= 0)
    runs = owner[tied] * len(ties.heads) + group_of[rows[tied]]
    order = np.argsort(runs, kind="stable")
    tied, runs = tied[order], runs[order]
    _, start, run, count = np.unique(
        runs, return_index=True, return_inverse=True, return_counts=True
    )
    among, held = np.arange(len(tied)) - start[run], count[run]
    group = group_of[rows[tied]]
    last, first = rows.copy(), rows.copy()
    last[tied] = ties.rows[ties.indptr[group + 1] - held + among]
    first[tied] = ties.rows[ties.indptr[group] + among]
    return last, first, np.unique(owner[tied[held < ties.sizes[group]]])


def _join(tops: TseaReadings, at: tuple[slice | I64, ...], bottoms: TseaReadings) -> None:
    """Join what was read of sets for their top with what was for their bottom, in place.

    Args:
        tops: of all sets, and of those that part a block for the top alone.
        at: where these stand in it.
        bottoms: of these, for the bottom.
    """
    suppresses = tops.es[at] < -bottoms.es
    es = np.where(suppresses, bottoms.es, tops.es[at])
    peak = np.where(suppresses, bottoms.peak, tops.peak[at])
    tops.es[at], tops.peak[at] = es, np.where(es == 0, 0, peak)
    tops.auroc[at] = (tops.auroc[at] + bottoms.auroc) / 2
