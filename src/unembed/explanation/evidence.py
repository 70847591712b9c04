"""How much a label explains: of the variance, and of the kurtosis.

A label names up to three sets, which cut the vocabulary into at most eight parts. The power sums
of the logit weights in each part are all that is needed: least squares on the sets, and the
moments of what is left (Gurnee et al. 2024, section 4, condition on one set in this way).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.explanation.explanation import Explained
from unembed.explanation.settings import MOST_PARTS

F64 = npt.NDArray[np.float64]

CELLS = 2**MOST_PARTS
_NOTHING_LEFT = 1e-9
"""A set that others, or the constant, are to this share of its tokens has nothing to add."""


def regress(sums: F64) -> list[Explained]:
    """Return what each feature's sets explain, by least squares on their indicators.

    Args:
        sums: [B, 8, 5] as `cell_sums` returns them.
    """
    s0, s1, s2, s3, s4 = np.moveaxis(sums, 2, 0)
    fit = _fitted(s0, s1)
    # sums of residuals² and residuals⁴, whose mean is 0, over the cells
    second = (s2 - 2 * fit * s1 + fit**2 * s0).sum(1)
    fourth = (s4 - 4 * fit * s3 + 6 * fit**2 * s2 - 4 * fit**3 * s1 + fit**4 * s0).sum(1)
    n = s0.sum(1)
    left, whole = second / n, s2.sum(1) / n - (s1.sum(1) / n) ** 2
    some = (left > 0) & (whole > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(some, 1 - left / whole, np.where(whole > 0, 1.0, 0.0))
        kurtosis = np.where(some, fourth / n / left**2, np.nan)
    return [Explained(*of) for of in zip(variance.tolist(), kurtosis.tolist(), strict=True)]


def _fitted(count: F64, total: F64) -> F64:
    """Return [B, 8] the least squares fit in each cell: a constant, and one number for each set.

    Indicators are made orthogonal one after the other, each token counting alike (Gram and
    Schmidt); what each explains of z adds up.

    Args:
        count: [B, 8] tokens in each cell.
        total: [B, 8] the sum of their z.
    """
    cells = np.arange(CELLS)
    indicators = [cells >= 0, *(cells >> part & 1 for part in range(MOST_PARTS))]
    fit = np.zeros_like(total)
    basis: list[tuple[F64, F64]] = []
    for indicator in indicators:
        left = np.broadcast_to(indicator, count.shape).astype(np.float64)
        size = (count * left).sum(1, keepdims=True)
        for other, square in basis:
            left -= (count * left * other).sum(1, keepdims=True) / square * other
        square = (count * left**2).sum(1, keepdims=True)
        adds = square > _NOTHING_LEFT * size
        left, square = np.where(adds, left, 0), np.where(adds, square, 1)
        fit += (total * left).sum(1, keepdims=True) / square * left
        basis.append((left, square))
    return fit
