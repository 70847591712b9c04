"""What the readers of the sweep know of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int, Integer

F64 = npt.NDArray[np.float64]

N_SUMS = 5


class TileReadings(NamedTuple):
    """What one pass over a tile of z-scores [T, n] gives, on any device.

    Attributes:
        sums: [T, 5] the sums of z, z², z³, z⁴ and z³|z| over the tokens.
        counts: [T, 202] tokens in each histogram bin (`unembed.sweep.bins`).
        top_rows: [T, k] rows of W_U with the largest z, largest first; ties in row order.
        top_z: [T, k] their z.
        bottom_rows: [T, k] rows of W_U with the smallest z, smallest first; ties in row order.
        bottom_z: [T, k] their z.
    """

    sums: Float[np.ndarray, "tile 5"]
    counts: Integer[np.ndarray, "tile bins"]
    top_rows: Int[np.ndarray, "tile k"]
    top_z: Float[np.ndarray, "tile k"]
    bottom_rows: Int[np.ndarray, "tile k"]
    bottom_z: Float[np.ndarray, "tile k"]


class FeatureStatistics(NamedTuple):
    """Statistics of F features' logit weights over the n unmasked tokens.

    A flat feature (an all-zero decoder row, or one that no token's row sees) has standard
    deviation 0; its skewness, kurtosis, histogram and extremes have no value and hold zeros:
    `flat` says which they are.

    Attributes:
        mean: [F] 0 for the logit lens (weights are centred over the vocabulary).
        std, skewness, kurtosis: [F] population moments; kurtosis of a normal is 3 (Pearson).
        left_tail, right_tail: [F] the kurtosis of each tail by itself (`Moments`).
        minimum, maximum: [F] the smallest and largest logit weight.
        norm: [F] Euclidean length of the decoder row.
        flat: [F] see above.
        histogram: [F, 202] tokens in each bin of z (`unembed.sweep.bins`).
        top_ids, bottom_ids: [F, k] token ids with the largest and smallest logit weights,
            outermost first; ties in token-id order.
        top_weights, bottom_weights: [F, k] their logit weights.
    """

    mean: F64
    std: F64
    skewness: F64
    kurtosis: F64
    left_tail: F64
    right_tail: F64
    minimum: F64
    maximum: F64
    norm: F64
    flat: npt.NDArray[np.bool_]
    histogram: Integer[np.ndarray, "features bins"]
    top_ids: Int[np.ndarray, "features k"]
    top_weights: Float[np.ndarray, "features k"]
    bottom_ids: Int[np.ndarray, "features k"]
    bottom_weights: Float[np.ndarray, "features k"]


def joined(parts: Sequence[FeatureStatistics]) -> FeatureStatistics:
    """Return the statistics of several tiles as one."""
    return FeatureStatistics(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class OneFeature(NamedTuple):
    """One feature's logit weights over the n rows of W_U.

    Attributes:
        z: [n] float32, standardised; zeros for a flat feature.
        std: of the logit weights, 0 for a flat feature.
        mean: of the logit weights, 0 for the logit lens.
    """

    z: Float[np.ndarray, " tokens"]
    std: float
    mean: float

    @property
    def weights(self) -> npt.NDArray[np.float32]:
        """[n] the logit weights, rounded once, as the sweep's are."""
        return (self.z.astype(np.float64) * self.std + self.mean).astype(np.float32)


class Moments(NamedTuple):
    """Population moments of z: one value a feature each.

    Attributes:
        mean, std, skewness: [F]
        kurtosis: [F] Pearson's: 3 for a normal.
        left_tail, right_tail: [F] the kurtosis that the distribution would have if both its tails
            were like one of them: twice the fourth moment of its negative, and of its positive
            side. Kurtosis is their mean.
    """

    mean: F64
    std: F64
    skewness: F64
    kurtosis: F64
    left_tail: F64
    right_tail: F64


def moments(sums: Float[np.ndarray, "tile 5"], n_tokens: int) -> Moments:
    """Return mean, standard deviation, skewness, kurtosis, and that of each tail, from power sums.

    The sums are of values that are standardised but for rounding, so that nothing cancels:
    mean ≈ 0 and std ≈ 1. Kurtosis of a normal distribution is 3. All are population moments
    (no small-sample correction), as in Bloom & Lin (2024).
    """
    m1, r2, r3, r4, signed = (sums / n_tokens).T
    m2 = r2 - m1**2
    m3 = r3 - 3 * m1 * r2 + 2 * m1**3
    m4 = r4 - 4 * m1 * r3 + 6 * m1**2 * r2 - 3 * m1**4
    kurtosis = m4 / m2**2
    uneven = signed / r4  # the right side's share of the fourth moment, less the left side's
    tails = kurtosis * (1 - uneven), kurtosis * (1 + uneven)
    return Moments(m1, np.sqrt(m2), m3 / m2**1.5, kurtosis, *tails)
