"""The ranks of small sets' members, sorted 16 sets side by side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.sweep.tsea.membership import LANES

I32 = npt.NDArray[np.int32]


@compiled()
def sort_ranks(rows: I32, rank: I32, ranks: I32) -> None:
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
