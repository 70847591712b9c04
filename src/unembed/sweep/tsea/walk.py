"""The running sum of one set, followed over its members' ranks; it turns only there.

At the j-th hit of rank r (both from 0), `D = j·n − r·m` just before it and `D + n − m` just after,
in units of 1 / (m (n − m)): whole numbers, so that ties are ties.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.sweep.tsea.bits import WORD, first_bit, popcount

F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
U64 = npt.NDArray[np.uint64]

_PLACE = np.int64(21)
_LAST = np.int64(2**21 - 1)
"""Below D stands the place in the ranking: vocabularies have fewer than two million tokens."""
_ONE = np.uint64(1)
_WITHIN = WORD - 1


@compiled()
def sort_few(ranks: I32) -> None:
    """Sort the ranks of a few members in place."""
    for i in range(1, ranks.shape[0]):
        r, place = ranks[i], i
        while place > 0 and ranks[place - 1] > r:
            ranks[place] = ranks[place - 1]
            place -= 1
        ranks[place] = r


@compiled()
def sort_marked(rows: I32, rank: I32, marks: U64, ranks: I32) -> None:
    """Fill in the ranks of any number of members, in order, by marking them as bits.

    Args:
        rows: [m] of W_U that the set holds.
        rank: [n] of each row.
        marks: [⌈n / 64⌉] zeros, and zeros again afterwards.
        ranks: [m] the result.
    """
    for i in range(rows.shape[0]):
        r = np.int64(rank[rows[i]])
        marks[r // WORD] |= _ONE << np.uint64(r & _WITHIN)
    found = 0
    for w in range(marks.shape[0]):
        word = marks[w]
        marks[w] = 0
        while word:
            ranks[found] = w * WORD + np.int64(first_bit(word))
            word &= word - _ONE
            found += 1


@compiled()
def walk(ranks: I32, s: int, n: int, side: I8, es: F64, peak: I32, auroc: F64) -> None:
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
    store(
        np.float64(top >> _PLACE), np.float64(_LAST - (top & _LAST)), np.float64(bottom >> _PLACE),
        np.float64(bottom & _LAST), np.float64(total), np.float64(m), n, s, side, es, peak, auroc,
    )  # fmt: skip


@compiled()
def walk_marked(
    rows: I32, rank: I32, marks: U64, s: int, n: int, side: I8, es: F64, peak: I32, auroc: F64
) -> None:  # fmt: skip
    """Follow the running sum of one set whose ranks nobody sorted: they are marked, as bits.

    A word of 64 ranks is looked at bit by bit only if all its hits first, or all last, would take D
    beyond its extremes so far.

    Args:
        rows: [m] of W_U that the set holds.
        rank: [n] of each row.
        marks: [⌈n / 64⌉] zeros, and zeros again afterwards.
        s: where in the results to write.
        n: the number of tokens.
        side: [·] which extreme counts (`blocks`).
        es: [·] written at s.
        peak: [·] likewise.
        auroc: [·] likewise.
    """
    m = np.int64(rows.shape[0])
    total = np.int64(0)
    for i in range(rows.shape[0]):
        r = np.int64(rank[rows[i]])
        total += r
        marks[r // WORD] |= _ONE << np.uint64(r & _WITHIN)
    top, top_at, bottom, bottom_at = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    gained = np.int64(0)
    for w in range(marks.shape[0]):
        word = marks[w]
        if word == 0:
            continue
        marks[w] = 0
        base = np.int64(w) * WORD
        count = np.int64(popcount(word))
        height = gained - base * m
        gained += count * n
        if height + count * (n - m) <= top and height - (WORD - count) * m >= bottom:
            continue
        while word:
            place = np.int64(first_bit(word))
            word &= word - _ONE
            before = height - place * m
            if before < bottom:
                bottom, bottom_at = before, base + place
            height += n
            if before + n - m > top:
                top, top_at = before + n - m, base + place + 1
    store(
        np.float64(top), np.float64(top_at), np.float64(bottom), np.float64(bottom_at),
        np.float64(total), np.float64(m), n, s, side, es, peak, auroc,
    )  # fmt: skip


@compiled()
def walk_weighted(
    ranks: I32, weights: F64, s: int, n: int, side: I8, es: F64, peak: I32, auroc: F64
) -> None:
    """Follow the running sum of one set whose hits weigh differently.

    Args:
        ranks: [m] of the members, in order.
        weights: [n] of a hit at each rank.
        s: where in the results to write.
        n: the number of tokens.
        side: [·] which extreme counts (`blocks`).
        es: [·] written at s.
        peak: [·] likewise.
        auroc: [·] likewise.
    """
    m = ranks.shape[0]
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
    store(
        top, top_at, bottom, bottom_at, total, np.float64(m), n, s, side, es, peak, auroc
    )  # fmt: skip


@compiled()
def store(
    top: float, top_at: float, bottom: float, bottom_at: float, total: float, m: float, n: int,
    s: int, side: I8, es: F64, peak: I32, auroc: F64,
) -> None:  # fmt: skip
    """Write the extreme that counts, and AUROC by the sum of the ranks."""
    pairs = m * (n - m)
    if side[s] > 0 or (side[s] == 0 and top >= -bottom):
        es[s], peak[s] = top / pairs, np.int32(top_at)
    else:
        es[s], peak[s] = bottom / pairs, np.int32(bottom_at)
    auroc[s] = 1 - (total - m * (m - 1) / 2) / pairs
