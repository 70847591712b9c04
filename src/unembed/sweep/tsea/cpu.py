"""TSEA on the CPU, exact for every set: of all pairs of a tile, or of chosen ones.

The ranks of a set's members are all that counts (`walk`). How they come into order depends on how
many there are: few are sorted, 16 sets side by side where all sets are read; many are marked as the
bits of a ranking and walked over; sets of very many are read 64 at a time (`dense`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.compiled import compiled
from unembed.sweep.settings import Weight
from unembed.sweep.tsea.bits import WORD
from unembed.sweep.tsea.blocks import Blocks, sums_of
from unembed.sweep.tsea.dense import AT_ONCE, CHUNK, read_dense
from unembed.sweep.tsea.membership import LANES, Membership
from unembed.sweep.tsea.ranks import FEW, N_BUCKETS, rank_all, rank_few
from unembed.sweep.tsea.readings import TseaReadings, normal_scores
from unembed.sweep.tsea.side_by_side import sort_ranks
from unembed.sweep.tsea.walk import sort_few, sort_marked, walk, walk_marked, walk_weighted
from unembed.workers import over_rows

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

_AT_ONCE = 16
"""Rows that a thread takes at a time."""
_SORTED = 32
"""A single set of fewer members is sorted, where one of more is marked."""


def read_tile(
    z: Float[np.ndarray, "tile tokens"], membership: Membership, weight: Weight = "none"
) -> TseaReadings:
    """Return the enrichment of every set in every row of a tile.

    Args:
        z: [T, n] standardised logit weights, C-contiguous, finite.
        membership: the sets, over the same n rows of W_U.
        weight: what a hit adds.
    """
    twice, blocks, membership = membership.twice, membership.blocks, membership.as_read
    out = TseaReadings.nothing((len(z), len(membership)))
    bits_of_z = z.view(np.int32)
    if weight == "none":
        dense, bits = membership.dense
        over_rows(
            _read_rows, len(z), _AT_ONCE, bits_of_z, blocks, *membership.sparse,
            membership.marked, membership.indptr, membership.rows, dense, membership.sizes[dense],
            bits, twice.side, *out,
        )  # fmt: skip
    else:
        over_rows(
            _read_weighted, len(z), _AT_ONCE, z, bits_of_z, blocks, *membership.every,
            *_scores(weight, z.shape[1]), twice.side, *out,
        )  # fmt: skip
    return twice.of_sets(out)


def read_pairs(
    z: Float[np.ndarray, "tile tokens"],
    row: I64,
    token_set: I64,
    membership: Membership,
    weight: Weight = "none",
) -> TseaReadings:
    """Return the enrichment of single pairs [P], in the work that they take.

    Args:
        z: [T, n] standardised logit weights, C-contiguous, finite.
        row: [P] of z, ascending.
        token_set: [P] testable sets.
        membership: the sets, over the same n rows of W_U.
        weight: what a hit adds.
    """
    twice, blocks, membership = membership.twice, membership.blocks, membership.as_read
    row, token_set, of = twice.pairs(row, token_set)
    out = TseaReadings.nothing((len(row),))
    starts = np.append(np.flatnonzero(np.diff(row, prepend=-1)), len(row))
    over_rows(
        _read_pairs, len(starts) - 1, _AT_ONCE, z, z.view(np.int32), row, token_set, starts,
        blocks, membership.indptr, membership.rows, weight != "none",
        *_scores(weight, z.shape[1]), twice.side[token_set], *out,
    )  # fmt: skip
    return twice.of_pairs(out, of)


def _scores(weight: Weight, n_tokens: int) -> tuple[F64, F64]:
    """Return what a hit at each rank weighs, and its sums; nothing where it is the token's |z|."""
    if weight != "normal-scores":
        return np.empty(0), np.empty(0)
    scores = normal_scores(n_tokens)
    return scores, sums_of(scores)


@compiled()
def _read_rows(
    first: int, stop: int, bits_of_z: I32, blocks: Blocks, sets: I64, sizes: I64, starts: I64,
    rows: I32, marked: I64, indptr: I64, members: I32, dense: I64, dense_sizes: I64, bits: U64,
    side: I8, es: F64, peak: I32, auroc: F64,
) -> None:  # fmt: skip
    n = bits_of_z.shape[1]
    padded = np.empty((n + CHUNK - 1) // CHUNK * CHUNK, np.int32)
    for place in range(n, padded.shape[0]):
        padded[place] = n
    order, rank = padded[:n], np.empty(n + 1, np.int32)
    keys, spare = np.empty(n, np.uint64), np.empty(n, np.uint64)
    longest = 0
    for batch in range(sets.shape[0]):
        longest = max(longest, starts[batch + 1] - starts[batch])
    ranks = np.empty((longest, LANES), np.int32)
    words = (n + WORD - 1) // WORD
    marks = np.zeros(words, np.uint64)
    ranked = np.empty(words * WORD * min(bits.shape[1], AT_ONCE), np.uint64)
    for row in range(first, stop):
        rank_all(bits_of_z[row], blocks, keys, spare, order, rank)
        for batch in range(sets.shape[0]):
            found = ranks[: starts[batch + 1] - starts[batch]]
            sort_ranks(rows[starts[batch] : starts[batch + 1]], rank, found)
            for lane in range(LANES):
                if sets[batch, lane] >= 0:
                    walk(
                        found[: sizes[batch, lane], lane], sets[batch, lane], n, side,
                        es[row], peak[row], auroc[row],
                    )  # fmt: skip
        for s in marked:
            walk_marked(
                members[indptr[s] : indptr[s + 1]], rank, marks, s, n, side,
                es[row], peak[row], auroc[row],
            )  # fmt: skip
        for start in range(0, bits.shape[1], AT_ONCE):
            part = slice(start * WORD, (start + AT_ONCE) * WORD)
            read_dense(
                padded, bits[:, start : start + AT_ONCE], dense[part], dense_sizes[part],
                ranked, side, es[row], peak[row], auroc[row],
            )  # fmt: skip


@compiled()
def _read_pairs(
    first: int, stop: int, z: F32, bits_of_z: I32, row: I64, token_set: I64, starts: I64,
    blocks: Blocks, indptr: I64, members: I32, weighted: bool, scores: F64, sums: F64, side: I8,
    es: F64, peak: I32, auroc: F64,
) -> None:  # fmt: skip
    """Read the pairs of row after row; those of one stand together, from `starts` on."""
    n = z.shape[1]
    order, rank = np.empty(n, np.int32), np.empty(n + 1, np.int32)
    keys, spare = np.empty(n, np.uint64), np.empty(n, np.uint64)
    buckets, above = np.empty(n, np.uint16), np.empty(N_BUCKETS + 1, np.int32)
    near, few = np.empty(n, np.int32), np.empty(FEW, np.int32)
    marks, weights = np.zeros((n + WORD - 1) // WORD, np.uint64), np.empty(n)
    for at in range(first, stop):
        of_row = row[starts[at]]
        held = 0
        for pair in range(starts[at], starts[at + 1]):
            for member in range(indptr[token_set[pair]], indptr[token_set[pair] + 1]):
                if held < FEW:
                    few[held] = members[member]
                held += 1
        if (
            weighted
            or held > FEW
            or not rank_few(z[of_row], few[:held], blocks.place, buckets, above, near, rank)
        ):
            rank_all(bits_of_z[of_row], blocks, keys, spare, order, rank)
        if weighted:
            _weigh(z[of_row], order, scores, weights)
            _level(scores, sums, blocks, rank, weights)
        for pair in range(starts[at], starts[at + 1]):
            own = members[indptr[token_set[pair]] : indptr[token_set[pair] + 1]]
            ranks = near[: own.shape[0]]
            if weighted:
                sort_marked(own, rank, marks, ranks)
                walk_weighted(ranks, weights, pair, n, side, es, peak, auroc)
            elif own.shape[0] < _SORTED:
                for i in range(own.shape[0]):
                    ranks[i] = rank[own[i]]
                sort_few(ranks)
                walk(ranks, pair, n, side, es, peak, auroc)
            else:
                walk_marked(own, rank, marks, pair, n, side, es, peak, auroc)


@compiled()
def _read_weighted(
    first: int, stop: int, z: F32, bits_of_z: I32, blocks: Blocks, sets: I64, sizes: I64,
    starts: I64, rows: I32, scores: F64, sums: F64, side: I8, es: F64, peak: I32, auroc: F64,
) -> None:  # fmt: skip
    """Read all sets with hits that weigh differently: by rank (`scores`), or |z| where empty."""
    n = z.shape[1]
    order, rank = np.empty(n, np.int32), np.empty(n + 1, np.int32)
    keys, spare, weights = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n)
    for row in range(first, stop):
        rank_all(bits_of_z[row], blocks, keys, spare, order, rank)
        _weigh(z[row], order, scores, weights)
        _level(scores, sums, blocks, rank, weights)
        for batch in range(sets.shape[0]):
            ranks = np.empty((starts[batch + 1] - starts[batch], LANES), np.int32)
            sort_ranks(rows[starts[batch] : starts[batch + 1]], rank, ranks)
            for lane in range(LANES):
                if sets[batch, lane] >= 0:
                    walk_weighted(
                        ranks[: sizes[batch, lane], lane], weights, sets[batch, lane], n, side,
                        es[row], peak[row], auroc[row],
                    )  # fmt: skip


@compiled()
def _weigh(z: F32, order: I32, scores: F64, weights: F64) -> None:
    """Fill in what a hit at each rank weighs: its score, or |z| where there are none."""
    for place in range(z.shape[0]):
        if scores.shape[0]:
            weights[place] = scores[place]
        else:
            weights[place] = np.float64(abs(z[order[place]]))


@compiled()
def _level(scores: F64, sums: F64, blocks: Blocks, rank: I32, weights: F64) -> None:
    """Give hits of a block the mean score of its places; their |z| is the same already."""
    if scores.shape[0] == 0:
        return
    for g in range(blocks.heads.shape[0]):
        start, size = rank[blocks.heads[g]], blocks.sizes[g]
        weights[start : start + size] = (sums[start + size] - sums[start]) / size
