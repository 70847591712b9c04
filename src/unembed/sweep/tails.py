"""How heavy each tail of a feature's logit weights is, by itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Integer

from unembed.sweep.bins import LIMIT, PER_UNIT, bin_edges

F64 = npt.NDArray[np.float64]


class TailKurtosis(NamedTuple):
    """The kurtosis that a distribution would have if both its tails were like one of them.

    Attributes:
        left: [F] twice the fourth moment of negative z; 3 for a normal, 0 for flat features.
        right: [F] twice that of positive z. Kurtosis is the mean of both.
    """

    left: F64
    right: F64


def tail_kurtosis(histogram: Integer[np.ndarray, "features bins"]) -> TailKurtosis:
    """Return the kurtosis of each tail, from the bins of z.

    >>> tail_kurtosis(np.eye(202, dtype=int)[[121]]).right.round(1).tolist()  # all at z = 2.05
    [35.3]

    Bins are 0.1 wide, which is exact to 0.5 %; tokens beyond ±10 count as if they were just there.

    Args:
        histogram: tokens in each bin of z (`unembed.sweep.bins`).
    """
    edges = bin_edges().clip(-LIMIT, LIMIT)
    fourth = ((edges[:-1] + edges[1:]) / 2) ** 4
    counts = np.maximum(histogram.sum(1), 1)
    middle = round(LIMIT * PER_UNIT) + 1
    beyond = histogram * fourth  # summed row by row: a product's sums depend on how many there are
    left = 2 * beyond[:, :middle].sum(1) / counts
    right = 2 * beyond[:, middle:].sum(1) / counts
    return TailKurtosis(left, right)
