"""Some features of a bank, and what passes in them when tokens change places (`permuted`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment.beyond import pairs_beyond
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.permuted import Permuted

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_SAMPLED = 512
"""Features of each bank, or all where there are no more."""
_TABLES = 256
"""Sets whose tables tell from which |z| on a p is worth looking up …"""
_MARGIN = 0.95
"""… and how much below the least of theirs that of another set may be."""


def count_permuted(
    permuted: DirectionTest,
    W_dec: Float[Tensor, "features d_model"],
    of_pairs: F64,
    of_features: F64,
    seed: int,
) -> Permuted:
    """Return what passes in a random sample of features.

    Args:
        permuted: the bank's test of the sets whose tokens were permuted.
        W_dec: [F, d_model] of the bank.
        of_pairs: [2] the largest log10 p of a pair that passes at each level; −inf if none does.
        of_features: [2] that of the smallest in a feature.
        seed: decides the sample.
    """
    count = min(_SAMPLED, len(W_dec))
    chosen = np.sort(np.random.default_rng(seed).choice(len(W_dec), count, replace=False))
    feature, log10_p = _small_p(permuted, W_dec[chosen], float(max(*of_pairs, *of_features)))
    pairs, found = (np.zeros((count, len(of_pairs)), np.int64) for _ in range(2))
    for at, (of_pair, of_feature) in enumerate(zip(of_pairs, of_features, strict=True)):
        pairs[:, at] = np.bincount(feature[log10_p <= of_pair], minlength=count)
        found[feature[log10_p <= of_feature], at] = 1
    return Permuted(chosen.astype(np.int64), pairs, found)


def _small_p(
    test: DirectionTest, W_dec: Float[Tensor, "features d_model"], largest: float
) -> tuple[I64, npt.NDArray[np.float32]]:
    """Return the pairs whose log10 p is about up to a value: the feature of each, and the p.

    Only they are looked up, each by its own table: those of all sets would cost more.
    """
    testable = np.flatnonzero(test.testable)
    if not np.isfinite(largest) or not len(testable):
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    some = testable[:: -(-len(testable) // _TABLES)]
    least = _MARGIN * test.critical_of(largest, some).min()
    critical = np.where(test.testable, least, np.inf).astype(np.float32)
    row, token_set, z = pairs_beyond(test.z_there(test.sweep.standardised(W_dec).scaled), critical)
    sets = token_set.astype(np.int64)[:, None]
    p = test.log10_p_of(sets, np.ones(sets.shape), z.astype(np.float64))
    return row.astype(np.int64), p
