"""Kernels for hundreds of millions of pairs: what z says of p, and which pairs matter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.workers import over_rows

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Piece = tuple[np.float32, np.float32, np.float32, np.float32, np.float32, np.float32]

_HALVINGS = 24
_PAIRS_AT_ONCE = 65_536
_SETS_AT_ONCE = 1024
_ROWS_AT_ONCE = 64
"""What a thread takes at a time."""


@compiled()
def _at(z: np.float32, table: int, knots: F32, log10_p: F32, slope: F32) -> np.float32:
    """Cubic Hermite interpolation in |z|, in the row of a table; beyond the last knot, its value.

    The row is not taken out of the tables first: that would cost more than all else.
    """
    x = abs(z)
    low, high = 0, knots.shape[1] - 1
    if not x < knots[table, high]:
        return np.float32(log10_p[table, high])
    while high - low > 1:
        middle = (low + high) // 2
        if knots[table, middle] <= x:
            low = middle
        else:
            high = middle
    return _between(x, _piece(table, low, high, knots, log10_p, slope))


@compiled()
def _piece(table: int, low: int, high: int, knots: F32, log10_p: F32, slope: F32) -> Piece:
    """Return two knots of a table, and log10 p and its slopes there."""
    return (
        knots[table, low], knots[table, high], log10_p[table, low], log10_p[table, high],
        slope[table, low], slope[table, high],
    )  # fmt: skip


@compiled()
def _between(x: np.float32, piece: Piece) -> np.float32:
    """Cubic Hermite interpolation between two knots; never beyond their values."""
    low, high, at_low, at_high, slope_low, slope_high = piece
    width = high - low
    if width <= 0:
        return at_low
    s = (x - low) / width
    r = np.float32(1) - s
    value = (
        at_low * r * r * (1 + 2 * s)
        + at_high * s * s * (1 + 2 * r)
        + width * s * r * (slope_low * r - slope_high * s)
    )
    return np.float32(min(max(value, at_high), at_low))


def log10_p_values(z: F32, columns: I64, knots: F32, log10_p: F32, slope: F32, out: F32) -> None:
    """Fill out [B, S] with log10 p of z [B, S]; columns without a table (−1) get 0."""
    over_rows(_fill_values, len(z), _ROWS_AT_ONCE, z, columns, knots, log10_p, slope, out)


@compiled()
def _fill_values(
    first: int, stop: int, z: F32, columns: I64, knots: F32, log10_p: F32, slope: F32, out: F32
) -> None:
    for s in range(z.shape[1]):
        table = columns[s]
        for i in range(first, stop):
            if table < 0:
                out[i, s] = 0
            else:
                out[i, s] = _at(z[i, s], table, knots, log10_p, slope)


@compiled()
def add_to_bins(log10_p: F32, tested: npt.NDArray[np.bool_], per_decade: int, counts: I64) -> None:
    """Count the values of the tested columns in bins of −log10 p, the last one open."""
    last = counts.shape[0] - 1
    for i in range(log10_p.shape[0]):
        for s in range(log10_p.shape[1]):
            if tested[s]:
                counts[min(last, int(-log10_p[i, s] * per_decade))] += 1


def log10_p_of_pairs(z: F32, rows: I64, knots: F32, log10_p: F32, slope: F32, out: F32) -> None:
    """Fill out [P] with log10 p of pairs, each by the table in its row."""
    over_rows(_fill_pairs, len(z), _PAIRS_AT_ONCE, z, rows, knots, log10_p, slope, out)


@compiled()
def _fill_pairs(
    first: int, stop: int, z: F32, rows: I64, knots: F32, log10_p: F32, slope: F32, out: F32
) -> None:
    for i in range(first, stop):
        out[i] = _at(z[i], rows[i], knots, log10_p, slope)


def critical_values(wanted: float, knots: F32, log10_p: F32, slope: F32, out: F32) -> None:
    """Fill out [S] with the |z|, hardly below it, at which log10 p is as wanted; by halves.

    Infinite where a table does not reach as far.
    """
    over_rows(_fill_critical, len(out), _SETS_AT_ONCE, wanted, knots, log10_p, slope, out)


@compiled()
def _fill_critical(
    first: int, stop: int, wanted: float, knots: F32, log10_p: F32, slope: F32, out: F32
) -> None:
    for s in range(first, stop):
        last = knots.shape[1] - 1
        if log10_p[s, last] > wanted:
            out[s] = np.inf
            continue
        # log10 p falls from knot to knot, and lies between theirs: it is as wanted behind `before`
        before, after = -1, last
        while after - before > 1:
            between = (before + after) // 2
            if log10_p[s, between] > wanted:
                before = between
            else:
                after = between
        piece = _piece(s, max(before, 0), after, knots, log10_p, slope)
        low, high = np.float32(0), knots[s, last]
        for _ in range(_HALVINGS):
            middle = (low + high) / np.float32(2)
            if before < 0 or middle >= piece[1]:
                high = middle
            elif middle < piece[0] or _between(middle, piece) > wanted:
                low = middle
            else:
                high = middle
        out[s] = low


def count_beyond(z: F32, critical: F32, counts: I64) -> None:
    """Fill in counts [B, K]: of how many sets |z| reaches each of several values [K, S]."""
    over_rows(_count_rows, len(z), _ROWS_AT_ONCE, z, critical, counts)


@compiled()
def _count_rows(first: int, stop: int, z: F32, critical: F32, counts: I64) -> None:
    for i in range(first, stop):
        for k in range(critical.shape[0]):
            found = np.int32(0)
            for s in range(z.shape[1]):
                found += np.int32(abs(z[i, s]) >= critical[k, s])
            counts[i, k] = found


def raise_to_largest(z: F32, largest: F32) -> None:
    """Raise the values [S] to the largest |z| [B, S] of each set."""
    over_rows(_raise_columns, z.shape[1], _SETS_AT_ONCE, z, largest)


@compiled()
def _raise_columns(first: int, stop: int, z: F32, largest: F32) -> None:
    for i in range(z.shape[0]):
        for s in range(first, stop):
            largest[s] = max(largest[s], abs(z[i, s]))


def add_up(z: F32, critical: F32, squares: F64, beyond: I64) -> None:
    """Add z² [B, S] of each set to the sums [S], and how many |z| are beyond its value [S]."""
    over_rows(_add_up_columns, z.shape[1], _SETS_AT_ONCE, z, critical, squares, beyond)


@compiled()
def _add_up_columns(
    first: int, stop: int, z: F32, critical: F32, squares: F64, beyond: I64
) -> None:
    for i in range(z.shape[0]):
        for s in range(first, stop):
            squares[s] += np.float64(z[i, s]) ** 2
            beyond[s] += abs(z[i, s]) > critical[s]


def list_beyond(z: F32, critical: F32, starts: I64, row: I32, token_set: I32, value: F32) -> None:
    """Fill in the pairs [P] that were counted, those of row i from starts[i] on."""
    over_rows(_list_rows, len(z), _ROWS_AT_ONCE, z, critical, starts, row, token_set, value)


@compiled()
def _list_rows(
    first: int, stop: int, z: F32, critical: F32, starts: I64, row: I32, token_set: I32, value: F32
) -> None:
    for i in range(first, stop):
        at = starts[i]
        if at == starts[i + 1]:
            continue
        for s in range(z.shape[1]):
            if abs(z[i, s]) >= critical[s]:
                row[at], token_set[at], value[at] = i, s, z[i, s]
                at += 1
