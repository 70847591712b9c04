"""TSEA on the CPU: exact for every set, at a few operations for 64 tokens.

The running sum turns only at hits: at the j-th hit of rank r (both from 0), `D = j·n − r·m` just
before it and `D + n − m` just after, in units of 1 / (m (n − m)). So the ranks of the members are
all that counts, and D is exact in float64 whatever the sizes.

- Sets of few members: their ranks are sorted, 16 sets side by side, by a network of comparisons.
- Sets of many members, 64 at a time: the membership bits of 64 tokens in rank order are a 64 × 64
  square of bits. Turned over, it is one word for each set, whose count of bits moves D on by 64
  ranks. Only words that could hold an extreme beyond those at the words' ends are looked at bit by
  bit.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.compiled import compiled
from unembed.sweep.settings import Weight
from unembed.sweep.tsea.bits import WORD, first_bit, popcount, transpose
from unembed.sweep.tsea.membership import LANES, Membership
from unembed.sweep.tsea.order import order_of
from unembed.sweep.tsea.readings import TseaReadings, normal_scores

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

_WORDS = 4
_SQUARES = 8
_CHUNK = WORD * _SQUARES
_PLACE = np.int64(21)
_LAST = np.int64(2**21 - 1)
"""Below D stands the place in the ranking: vocabularies have fewer than two million tokens."""
_ONE = np.uint64(1)
_QUARTER = 16
_LOW_QUARTER = np.uint64(0xFFFF)
_ODD = (
    np.uint64(0xAAAAAAAAAAAAAAAA), np.uint64(0xCCCCCCCCCCCCCCCC), np.uint64(0xF0F0F0F0F0F0F0F0),
    np.uint64(0xFF00FF00FF00FF00), np.uint64(0xFFFF0000FFFF0000), np.uint64(0xFFFFFFFF00000000),
)  # fmt: skip
"""Masks of the positions in a word whose k-th binary digit is 1."""


def read_tile(
    z: Float[np.ndarray, "tile tokens"], membership: Membership, weight: Weight = "none"
) -> TseaReadings:
    """Return the enrichment of every set in every row of a tile.

    Args:
        z: [T, n] standardised logit weights, C-contiguous, finite.
        membership: the sets, over the same n rows of W_U.
        weight: what a hit adds: the same for all (`none`), by rank (`normal-scores`), or |z|
            (`magnitude`).
    """
    shape = (len(z), len(membership))
    out = TseaReadings(np.zeros(shape), np.zeros(shape, np.int32), np.full(shape, 0.5))
    if weight == "none":
        dense, bits = membership.dense
        sizes = membership.sizes[dense]
        threads = numba.get_num_threads()
        _read_rows(z.view(np.int32), *membership.sparse, dense, sizes, bits, threads, *out)
    else:
        scores = normal_scores(z.shape[1]) if weight == "normal-scores" else np.empty(0)
        _read_weighted(z, z.view(np.int32), *membership.every, scores, *out)
    return out


@compiled(parallel=True)
def _read_rows(
    bits_of_z: I32, sets: I64, sizes: I64, starts: I64, rows: I32, dense: I64, dense_sizes: I64,
    bits: U64, threads: int, es: F64, peak: I32, auroc: F64,
) -> None:  # fmt: skip
    n = bits_of_z.shape[1]
    for thread in numba.prange(threads):
        padded = np.full((n + _CHUNK - 1) // _CHUNK * _CHUNK, n, np.int32)
        order, rank = padded[:n], np.empty(n + 1, np.int32)
        keys, spare = np.empty(n, np.uint64), np.empty(n, np.uint64)
        longest = np.max(np.diff(starts)) if len(sets) else 0
        ranks = np.empty((longest, LANES), np.int32)
        ranked = np.empty((n + WORD - 1) // WORD * WORD * min(bits.shape[1], _WORDS), np.uint64)
        for row in range(thread, bits_of_z.shape[0], threads):
            _rank(bits_of_z[row], keys, spare, order, rank)
            for batch in range(sets.shape[0]):
                found = ranks[: starts[batch + 1] - starts[batch]]
                _sort_ranks(rows[starts[batch] : starts[batch + 1]], rank, found)
                for lane in range(LANES):
                    if sets[batch, lane] >= 0:
                        _walk(
                            found[: sizes[batch, lane], lane], sets[batch, lane], n,
                            es[row], peak[row], auroc[row],
                        )  # fmt: skip
            for start in range(0, bits.shape[1], _WORDS):
                part = slice(start * WORD, (start + _WORDS) * WORD)
                _read_dense(
                    padded, bits[:, start : start + _WORDS], dense[part], dense_sizes[part],
                    ranked, es[row], peak[row], auroc[row],
                )  # fmt: skip


@compiled()
def _rank(bits_of_z: I32, keys: U64, spare: U64, order: I32, rank: I32) -> None:
    """Fill in the rows of W_U in order, and the rank of each from 0; that of no row, n, is n."""
    n = bits_of_z.shape[0]
    order_of(bits_of_z, keys, spare, order)
    rank[n] = n
    for place in range(n):
        rank[order[place]] = place


@compiled()
def _sort_ranks(rows: I32, rank: I32, ranks: I32) -> None:
    """Fill in the ranks of 16 sets' members [m, 16], each column in order.

    Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2 M): what is compared
    does not depend on the values, so that the columns are sorted side by side.
    """
    m = rows.shape[0]
    for i in range(m):
        for lane in range(LANES):
            ranks[i, lane] = rank[rows[i, lane]]
    flat = ranks.reshape(m * LANES)
    largest = 1
    while 2 * largest < m:
        largest *= 2
    p = largest if m > 1 else 0
    while p:
        q, r, d = largest, 0, p
        while True:
            for i in range(r, m - d, 2 * p):
                stop = min(i + p, m - d)
                _exchange(
                    flat[i * LANES : stop * LANES], flat[(i + d) * LANES : (stop + d) * LANES]
                )
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2


@compiled()
def _exchange(upper: I32, lower: I32) -> None:
    """Put the smaller of each two above."""
    for k in range(upper.shape[0]):
        a, b = upper[k], lower[k]
        upper[k] = a if a < b else b
        lower[k] = b if a < b else a


@compiled()
def _walk(ranks: I32, s: int, n: int, es: F64, peak: I32, auroc: F64) -> None:
    """Follow the running sum of one set, from its members' ranks in order.

    D and the place are compared as one number, so that the first of equal extremes counts.
    """
    m = ranks.shape[0]
    top, bottom, total, gained = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for j in range(m):
        r = np.int64(ranks[j])
        before = gained - r * m
        gained += n
        total += r
        bottom = min(bottom, (before << _PLACE) | r)
        top = max(top, ((before + n - m) << _PLACE) | (_LAST - r - 1))
    _store(
        np.float64(top >> _PLACE), np.float64(_LAST - (top & _LAST)), np.float64(bottom >> _PLACE),
        np.float64(bottom & _LAST), np.float64(total), np.float64(m), n, s, es, peak, auroc,
    )  # fmt: skip


@compiled()
def _store(
    top: float, top_at: float, bottom: float, bottom_at: float, total: float, m: float, n: int,
    s: int, es: F64, peak: I32, auroc: F64,
) -> None:  # fmt: skip
    pairs = m * (n - m)
    if top >= -bottom:
        es[s], peak[s] = top / pairs, np.int32(top_at)
    else:
        es[s], peak[s] = bottom / pairs, np.int32(bottom_at)
    auroc[s] = 1 - (total - m * (m - 1) / 2) / pairs


@compiled()
def _read_dense(
    order: I32, bits: U64, sets: I64, sizes: I64, scratch: U64, es: F64, peak: I32, auroc: F64
) -> None:
    """Read up to 4 × 64 sets at once, 64 tokens at a time.

    Set k is bit k % 64 of lane k // 64, and so, turned over, word [k % 64, k // 64].
    """
    n, lanes = bits.shape[0] - 1, bits.shape[1]
    words = (n + WORD - 1) // WORD
    width = WORD * lanes
    step, drop = np.zeros(width), np.zeros(width)
    for k in range(sets.shape[0]):
        at = (k % WORD) * lanes + k // WORD
        step[at], drop[at] = n, sizes[k]
    ranked = scratch[: words * width].reshape(words, width)
    height, top, bottom, totals = (
        np.zeros(width), np.zeros(width), np.zeros(width), np.zeros(width)
    )  # fmt: skip
    squares = np.empty((WORD, lanes * _SQUARES), np.uint64)
    for first in range(0, words, _SQUARES):
        _turn_over(order, bits, first, squares, ranked[first : first + _SQUARES])
    for w in range(words):
        _advance(ranked[w], step, drop, height, top, bottom, totals, w * WORD, n)
    top_at, bottom_at = np.zeros(width), np.zeros(width)
    for at in range(width):  # so that the words with the extremes themselves are visited
        top[at] -= 0.5
        bottom[at] += 0.5
    height[:] = 0
    after = np.empty(width)
    could = np.empty(width, np.uint8)
    for w in range(words):
        flat = ranked[w]
        if _candidates(flat, step, drop, height, after, top, bottom, could):
            for at in range(width):
                if could[at]:
                    _visit(
                        flat[at], height[at], step[at], drop[at], w * WORD, at,
                        top, top_at, bottom, bottom_at,
                    )  # fmt: skip
        height, after = after, height
    for k in range(sets.shape[0]):
        at = (k % WORD) * lanes + k // WORD
        _store(
            top[at], top_at[at], bottom[at], bottom_at[at], totals[at], drop[at], n, sets[k],
            es, peak, auroc,
        )  # fmt: skip


@compiled()
def _turn_over(order: I32, bits: U64, first: int, squares: U64, ranked: U64) -> None:
    """Fill in words of the sets' bits by rank, [words, 64 · lanes], from word `first` on.

    Eight squares of 64 × 64 are turned over side by side; past the last token `order` names a row
    of no sets.
    """
    lanes = bits.shape[1]
    for w in range(_SQUARES):
        rows = order[(first + w) * WORD : (first + w + 1) * WORD]
        for g in range(lanes):
            column, held = bits[:, g], squares[:, g * _SQUARES + w]
            for i in range(WORD):
                held[i] = column[np.uint32(rows[i])]
    transpose(squares)
    for w in range(ranked.shape[0]):
        for i in range(WORD):
            for g in range(lanes):
                ranked[w, i * lanes + g] = squares[i, g * _SQUARES + w]


@compiled()
def _advance(
    word: U64,
    step: F64,
    drop: F64,
    height: F64,
    top: F64,
    bottom: F64,
    totals: F64,
    base: int,
    n: int,
) -> None:
    """Move every set on by one word of ranks: D at its end, the extremes there, the ranks' sum."""
    span = np.float64(min(WORD, n - base))
    for at in range(word.shape[0]):
        x = word[at]
        count = np.int64(popcount(x))
        within = np.int64(popcount(x & _ODD[0]))
        within += np.int64(popcount(x & _ODD[1])) << 1
        within += np.int64(popcount(x & _ODD[2])) << 2
        within += np.int64(popcount(x & _ODD[3])) << 3
        within += np.int64(popcount(x & _ODD[4])) << 4
        within += np.int64(popcount(x & _ODD[5])) << 5
        totals[at] += count * base + within
        height[at] += np.float64(count) * step[at] - span * drop[at]
        top[at] = max(top[at], height[at])
        bottom[at] = min(bottom[at], height[at])


@compiled()
def _candidates(
    word: U64, step: F64, drop: F64, height: F64, after: F64, top: F64, bottom: F64,
    could: npt.NDArray[np.uint8],
) -> int:  # fmt: skip
    """Flag the sets whose D might pass its extremes inside this word; set D after it."""
    found = np.uint8(0)
    for at in range(word.shape[0]):
        count = np.float64(popcount(word[at]))
        gain = count * step[at]
        highest = height[at] + gain - count * drop[at]  # all hits first
        lowest = height[at] + (count - WORD) * drop[at]  # all hits last
        flag = np.uint8((count > 0) & ((highest > top[at]) | (lowest < bottom[at])))
        could[at] = flag
        found |= flag
        after[at] = height[at] + gain - WORD * drop[at]
    return int(found)


@compiled()
def _visit(
    word: np.uint64, height: float, step: float, drop: float, base: int, at: int,
    top: F64, top_at: F64, bottom: F64, bottom_at: F64,
) -> None:  # fmt: skip
    """Look at D before and after every hit in those quarters of a word that could matter."""
    for quarter in range(0, WORD, _QUARTER):
        part = (word >> np.uint64(quarter)) & _LOW_QUARTER
        count = np.float64(popcount(part))
        highest = height + count * (step - drop)
        lowest = height + (count - _QUARTER) * drop
        if highest > top[at] or (lowest < bottom[at] and part):
            before = height
            while part:
                place = np.int64(first_bit(part))
                part &= part - _ONE
                value = before - place * drop
                if value < bottom[at]:
                    bottom[at], bottom_at[at] = value, base + quarter + place
                before += step
                value = before - (place + 1) * drop
                if value > top[at]:
                    top[at], top_at[at] = value, base + quarter + place + 1
        height += count * step - _QUARTER * drop


@compiled(parallel=True)
def _read_weighted(
    z: F32, bits_of_z: I32, sets: I64, sizes: I64, starts: I64, rows: I32, scores: F64,
    es: F64, peak: I32, auroc: F64,
) -> None:  # fmt: skip
    """The same with hits that weigh differently: by rank (`scores`), or |z| where it is empty."""
    n = z.shape[1]
    for row in numba.prange(z.shape[0]):
        order, rank = np.empty(n, np.int32), np.empty(n + 1, np.int32)
        _rank(bits_of_z[row], np.empty(n, np.uint64), np.empty(n, np.uint64), order, rank)
        weights = scores if scores.shape[0] else np.abs(z[row][order]).astype(np.float64)
        for batch in range(sets.shape[0]):
            ranks = np.empty((starts[batch + 1] - starts[batch], LANES), np.int32)
            _sort_ranks(rows[starts[batch] : starts[batch + 1]], rank, ranks)
            for lane in range(LANES):
                if sets[batch, lane] >= 0:
                    _walk_weighted(
                        ranks[: sizes[batch, lane], lane], weights, sets[batch, lane],
                        es[row], peak[row], auroc[row],
                    )  # fmt: skip


@compiled()
def _walk_weighted(ranks: I32, weights: F64, s: int, es: F64, peak: I32, auroc: F64) -> None:
    """Follow the running sum of one set whose hits weigh `weights` at their rank."""
    n, m = weights.shape[0], ranks.shape[0]
    weight, total = 0.0, 0.0
    for j in range(m):
        weight += weights[ranks[j]]
        total += ranks[j]
    unit = m * np.float64(n - m) / (weight if weight > 0 else m)
    gained, top, top_at, bottom, bottom_at = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(m):
        r = ranks[j]
        lost = np.float64(r - j) * m
        if gained - lost < bottom:
            bottom, bottom_at = gained - lost, np.float64(r)
        gained += (weights[r] if weight > 0 else 1.0) * unit
        if gained - lost > top:
            top, top_at = gained - lost, np.float64(r + 1)
    _store(
        top, top_at, bottom, bottom_at, total, np.float64(m), n, s, es, peak, auroc
    )  # fmt: skip
