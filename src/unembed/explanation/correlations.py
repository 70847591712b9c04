"""The correlations of a few pairs of token sets, each from the vectors of both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.fixed_order import LANES, sum_products

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@compiled()
def correlations(vectors: F32, token_set: I64, others: I64) -> F64:
    """Return [K, C] the correlations of z under the null; 0 where there is no other set.

    Args:
        vectors: [S, d] of every set, of length 1 (`DirectionTest.coordinates`).
        token_set: [K] set numbers.
        others: [K, C] those they are held against, −1 for none.
    """
    found, lanes = np.zeros(others.shape), np.empty(LANES)
    for k in range(others.shape[0]):
        for c in range(others.shape[1]):
            if others[k, c] >= 0:
                found[k, c] = sum_products(vectors[token_set[k]], vectors[others[k, c]], lanes)
    return found
