"""Sets of very many members, 64 at a time, by turning their bits over.

The membership bits of 64 tokens in rank order are a 64 × 64 square of bits. Turned over, it is one
word for each set, whose count of bits moves D on by 64 ranks. Only words that could hold an extreme
beyond those at the words' ends are looked at bit by bit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.sweep.tsea.bits import WORD, first_bit, popcount, transpose
from unembed.sweep.tsea.walk import store

F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

AT_ONCE = 4
"""Times 64 sets are read together."""
_SQUARES = 8
CHUNK = WORD * _SQUARES
"""Tokens whose bits are turned over together: `order` is padded to a multiple."""
_ONE = np.uint64(1)
_QUARTER = 16
_LOW_QUARTER = np.uint64(0xFFFF)
_ODD = (
    np.uint64(0xAAAAAAAAAAAAAAAA), np.uint64(0xCCCCCCCCCCCCCCCC), np.uint64(0xF0F0F0F0F0F0F0F0),
    np.uint64(0xFF00FF00FF00FF00), np.uint64(0xFFFF0000FFFF0000), np.uint64(0xFFFFFFFF00000000),
)  # fmt: skip
"""Masks of the positions in a word whose k-th binary digit is 1."""


@compiled()
def read_dense(
    order: I32, bits: U64, sets: I64, sizes: I64, scratch: U64, side: I8,
    es: F64, peak: I32, auroc: F64,
) -> None:  # fmt: skip
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
        store(
            top[at], top_at[at], bottom[at], bottom_at[at], totals[at], drop[at], n, sets[k],
            side, es, peak, auroc,
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
