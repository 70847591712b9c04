"""The fixed bins of every feature's histogram, in standard deviations of its logit weights.

Bin 0 counts z < −10, bins 1 … 200 are 0.1 wide from −10 to 10, bin 201 counts z ≥ 10. Fixed
bins make features comparable, and histograms of shards add up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LIMIT = 10.0
PER_UNIT = 10.0
N_BINS = 202
OFFSET = LIMIT * PER_UNIT + 1.0
"""`int(z * PER_UNIT + OFFSET)`, clamped to the bins, is the bin of z."""


def bin_edges() -> npt.NDArray[np.float64]:
    """Return the 203 edges, the outer two infinite.

    >>> bin_edges()[[0, 1, 101, 201, 202]]
    array([-inf, -10.,   0.,  10.,  inf])
    """
    inner = np.arange(N_BINS - 1) / PER_UNIT - LIMIT
    return np.concatenate([[-np.inf], inner, [np.inf]])
