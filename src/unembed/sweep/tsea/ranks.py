"""The ranks of a row's tokens by logit weight: of all, by sorting, or of a few, by counting."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.sweep.tsea.blocks import Blocks
from unembed.sweep.tsea.order import order_of

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
U16 = npt.NDArray[np.uint16]
U64 = npt.NDArray[np.uint64]

N_BUCKETS = 8192
_PER_UNIT = np.float32(1024)
_MIDDLE = np.float32(N_BUCKETS // 2)
_LAST = np.int32(N_BUCKETS - 1)
"""Buckets of z from 4 down to −4, the outermost open."""
FEW = 64
"""So many tokens are quicker counted than all are sorted."""
_MOST_COMPARED = 8
"""Comparisons a token of the row that counting may take: of weights that crowd, all are sorted."""


@compiled()
def rank_all(
    bits_of_z: I32, blocks: Blocks, keys: U64, spare: U64, order: I32, rank: I32
) -> None:  # fmt: skip
    """Fill in the rows of W_U in order, and the rank of each from 0; that of no row, n, is n.

    Identical rows stand together, at the place of the first among equal weights.
    """
    n = bits_of_z.shape[0]
    order_of(bits_of_z, keys, spare, order)
    rank[n] = n
    for place in range(n):
        rank[order[place]] = place
    for g in range(blocks.heads.shape[0]):
        first, last = rank[blocks.heads[g]], rank[blocks.tails[g]]
        if last - first >= blocks.sizes[g]:  # others of equal weight are between
            _move_together(blocks, g, order[first : last + 1], keys)
            for place in range(first, last + 1):
                rank[order[place]] = place


@compiled()
def _move_together(blocks: Blocks, g: int, order: I32, keys: U64) -> None:
    """Put the rows of one block first, and all else after them as it stood."""
    start = blocks.place[blocks.heads[g]]
    inside, others = 0, 0
    for at in range(order.shape[0]):
        row = order[at]
        if start <= blocks.place[row] < start + blocks.sizes[g]:
            order[inside] = row
            inside += 1
        else:
            keys[others] = np.uint64(row)
            others += 1
    for at in range(others):
        order[inside + at] = np.int32(keys[at])


@compiled()
def rank_few(
    z: F32, rows: I32, ties: I32, buckets: U16, above: I32, near: I32, rank: I32
) -> bool:  # fmt: skip
    """Fill in the rank of some rows alone, and return whether it was worth while.

    A token's rank is how many there are in buckets above its own, and how many in its own outrank
    it. Only tokens of buckets that hold one of the rows are compared.

    Args:
        z: [n] weights of standard deviation 1.
        rows: [k] of W_U.
        ties: [n] where each row stands among equal weights; [0] where they stand as the rows do.
        buckets: [n] scratch.
        above: [N_BUCKETS + 1] scratch.
        near: [n] scratch.
        rank: [n] of which those of `rows` are written.
    """
    n = z.shape[0]
    for i in range(n):
        place = np.int32(_MIDDLE - z[i] * _PER_UNIT)
        place = np.int32(0) if place < 0 else place
        buckets[i] = np.uint16(_LAST if place > _LAST else place)
    above[:] = 0
    for i in range(n):
        above[buckets[i] + 1] += 1
    compared = 0
    wanted = np.zeros(N_BUCKETS, np.uint8)
    for k in range(rows.shape[0]):
        wanted[buckets[rows[k]]] = 1
    for b in range(N_BUCKETS):
        compared += wanted[b] * above[b + 1]
        above[b + 1] += above[b]
    if compared * rows.shape[0] > _MOST_COMPARED * n:
        return False
    tied = ties.shape[0] > 0
    found = 0
    for i in range(n):
        near[found] = i
        found += wanted[buckets[i]]
    for k in range(rows.shape[0]):
        row = rows[k]
        bucket, weight = buckets[row], z[row]
        outranked_by = above[bucket]
        own = ties[row] if tied else row
        for at in range(found):
            i = near[at]
            place = ties[i] if tied else i
            larger = z[i] > weight or (z[i] == weight and place < own)
            outranked_by += np.int32(buckets[i] == bucket and larger)
        rank[row] = outranked_by
    return True
