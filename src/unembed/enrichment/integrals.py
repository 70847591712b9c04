"""The integrals of `direction_null` at a few knots of one table, for what is looked up once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.fixed_order import LANES, sum_products
from unembed.workers import over_rows

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

AROUND = 12
"""Knots around a single z. A knot's slope hangs on a value k knots away by 0.27ᵏ or so, so that
those beyond change log10 p by less than float32 rounds it."""
_AT_ONCE = 8
"""Pairs that a thread takes at a time."""
_TINY = np.finfo(np.float64).tiny


def integrals_around(
    squares: F64, z2: F64, rows: F64, starts: I64, weight: F64
) -> tuple[I64, F64, F64]:
    """Return h and the integral at the 12 columns of a table around each z, all [P, 12].

    The column before the knots is z = 0, where the integral is 1.

    Args:
        squares: [P, d] b², of effects whose t has variance 1.
        z2: [P] z².
        rows: [K + N, d] the products of b² with these are h at each knot, and h(u) − h(u*) at the
            nodes of each.
        starts: [K + 1] where the nodes of each knot begin.
        weight: [N] of each node in the integral.
    """
    shape = len(z2), AROUND
    columns, h, integral = np.empty(shape, np.int64), np.zeros(shape), np.ones(shape)
    over_rows(_fill, len(z2), _AT_ONCE, squares, z2, rows, starts, weight, columns, h, integral)
    return columns, h, integral


@compiled()
def _fill(
    first_pair: int, stop: int, squares: F64, z2: F64, rows: F64, starts: I64, weight: F64,
    columns: I64, h: F64, integral: F64,
) -> None:  # fmt: skip
    knots, lanes = len(starts) - 1, np.empty(LANES)
    for pair in range(first_pair, stop):
        # by halves, the last column that is not above z
        below, above = 0, knots + 1
        while above - below > 1:
            middle = (below + above) // 2
            if sum_products(squares[pair], rows[middle - 1], lanes) <= z2[pair]:
                below = middle
            else:
                above = middle
        first = min(max(below - AROUND // 2 + 1, 0), knots + 1 - AROUND)
        for at in range(AROUND):
            column = first + at
            columns[pair, at] = column
            if column > 0:
                nodes = slice(starts[column - 1], starts[column])
                h[pair, at], integral[pair, at] = _integral(
                    squares[pair], rows[column - 1], rows[knots:][nodes], weight[nodes], lanes
                )


@compiled()
def _integral(
    squares: F64, at_knot: F64, rises: F64, weight: F64, lanes: F64
) -> tuple[float, float]:
    """Return h at one knot, and the integral over its nodes."""
    h, integral = sum_products(squares, at_knot, lanes), 0.0
    for node in range(len(weight)):
        integral += weight[node] * np.sqrt(
            h / max(sum_products(squares, rises[node], lanes), _TINY)
        )
    return h, integral
