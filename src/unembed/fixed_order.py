"""Sums in kernels whose order is fixed: the same bits whenever, and wherever, they are compiled.

A compiler that may add up in any order (`fastmath`) makes of a kernel one thing while it compiles
the kernel's caller, too, and another where both are taken from the cache: the first run on a
machine would differ from all others in its last digits. Here lanes of sums stand side by side, as
in a vector unit, which is then used without leave to reorder anything.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled

Floats = npt.NDArray[np.floating]
F64 = npt.NDArray[np.float64]

LANES = 32
_DEEP = 4
"""Numbers that go into a lane together, so that it is fetched less often."""
_AT_ONCE = LANES * _DEEP


@compiled()
def add_powers(values: Floats, lanes: Floats) -> None:
    """Add the first four powers of values to lanes [5, LANES], and last x³|x|, the signed fourth.

    In the precision of the lanes. The fourth powers of the positive values alone are half of what
    the last two add up to, without a branch.
    """
    whole = values.shape[0] // _AT_ONCE * _AT_ONCE
    for start in range(0, whole, _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        for lane in range(LANES):
            s1 = s2 = s3 = s4 = s5 = lanes.dtype.type(0)
            for deep in range(_DEEP):
                x = lanes.dtype.type(part[deep * LANES + lane])
                square = x * x
                s1 += x
                s2 += square
                s3 += square * x
                s4 += square * square
                s5 += square * x * abs(x)
            lanes[0, lane] += s1
            lanes[1, lane] += s2
            lanes[2, lane] += s3
            lanes[3, lane] += s4
            lanes[4, lane] += s5
    for i in range(whole, values.shape[0]):
        x = lanes.dtype.type(values[i])
        square = x * x
        lanes[0, i % LANES] += x
        lanes[1, i % LANES] += square
        lanes[2, i % LANES] += square * x
        lanes[3, i % LANES] += square * square
        lanes[4, i % LANES] += square * x * abs(x)


@compiled()
def total(lanes: Floats) -> float:
    """Return the sum of lanes [LANES], in float64."""
    found = 0.0
    for lane in range(LANES):
        found += np.float64(lanes[lane])
    return found


@compiled()
def sum_products(a: Floats, b: Floats, lanes: F64) -> float:
    """Return Σ aᵢ bᵢ of two vectors, in float64; `lanes` [LANES] is scratch."""
    lanes[:] = 0
    whole = a.shape[0] // _AT_ONCE * _AT_ONCE
    for start in range(0, whole, _AT_ONCE):
        left, right = a[start : start + _AT_ONCE], b[start : start + _AT_ONCE]
        for lane in range(LANES):
            found = 0.0
            for deep in range(_DEEP):
                at = deep * LANES + lane
                found += np.float64(left[at]) * np.float64(right[at])
            lanes[lane] += found
    for i in range(whole, a.shape[0]):
        lanes[i % LANES] += np.float64(a[i]) * np.float64(b[i])
    return total(lanes)
