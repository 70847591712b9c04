"""Tables of tail probabilities, and how a finished run reads them, with NumPy alone.

What tests hundreds of millions of pairs reads the same tables with `lookup`, to the same bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

_PAIRS_AT_ONCE = 2**14


class Tails(NamedTuple):
    """P(|z| > knot) of every set, to be interpolated in between.

    Attributes:
        z: [S, K] knots, rising from 0.
        log10_p: [S, K] falling from 0.
        slope: [S, K] the derivative of log10_p by z.
    """

    z: Float[np.ndarray, "sets knots"]
    log10_p: Float[np.ndarray, "sets knots"]
    slope: Float[np.ndarray, "sets knots"]

    def single(self) -> Tails:
        """Return the same in float32, for looking up and for disk."""
        return Tails(*(column.astype(np.float32) for column in self))

    def log10_p_of(self, z: Float[np.ndarray, " pairs"], sets: I64) -> F32:
        """Return log10 p of pairs [P] from tables in float32, as `lookup.log10_p_of_pairs` does.

        Args:
            z: [P] float32.
            sets: [P] the table of each.
        """
        tables = Tails(*(np.ascontiguousarray(column) for column in self))
        out = np.empty(len(z), np.float32)
        for start in range(0, len(z), _PAIRS_AT_ONCE):  # so that what is in between stays in cache
            part = slice(start, start + _PAIRS_AT_ONCE)
            out[part] = _interpolated(np.abs(z[part]), sets[part], tables)
        return out


def _interpolated(x: F32, sets: I64, tables: Tails) -> F32:
    """Cubic Hermite interpolation; beyond the last knot, its value.

    Bit by bit as the kernel: float32 throughout, but for the first two terms, which `1 + 2 s`
    makes float64 there, and so here.
    """
    knots, log10_p, slope = (column.reshape(-1) for column in tables)
    last = tables.z.shape[1] - 1
    first = sets * (last + 1)

    # the last knot that is not above x, but not the very last one: by halves
    low = first.copy()
    step = 1 << max(last.bit_length() - 1, 0)
    while step:
        probe = low + step
        inside = probe < first + last
        inside &= knots[np.where(inside, probe, first)] <= x
        low += step * inside
        step //= 2
    high = low + 1

    left, right = log10_p[low], log10_p[high]
    width = knots[high] - knots[low]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        s = (x - knots[low]) / width
        r = np.float32(1) - s
        value = (
            left * r * r * (1 + 2 * s.astype(np.float64))
            + right * s * s * (1 + 2 * r.astype(np.float64))
            + width * s * r * (slope[low] * r - slope[high] * s)
        )
    value = np.minimum(np.maximum(value, right), left).astype(np.float32)
    value = np.where(width > 0, value, left)
    end = first + last
    log10_p_of_x: F32 = np.where(x < knots[end], value, log10_p[end])
    return log10_p_of_x
