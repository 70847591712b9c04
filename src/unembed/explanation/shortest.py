"""The shortest account of a heavy tail: the few tokens without which it is ordinary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unembed.explanation.classes import Envelope
from unembed.sweep import FeatureStatistics
from unembed.sweep.statistics import moments

F64 = npt.NDArray[np.float64]

Counts = Sequence[int | None]


def fewest_tokens(
    statistics: FeatureStatistics, envelope: Envelope, n_tokens: int
) -> tuple[Counts, Counts]:
    """Return [F] how many top tokens to leave out for an ordinary right tail, and so at the bottom.

    As if the outermost tokens were not in the vocabulary: they are taken out of the sums of z's
    powers, and the tail is measured again. None where it is ordinary as it is, or is not without
    all tokens that are kept.

    Args:
        statistics: of the features.
        envelope: within which a tail is ordinary.
        n_tokens: n, over which they were taken.
    """
    ends = (
        (statistics.top_weights, statistics.right_tail, envelope.right_tail_above),
        (statistics.bottom_weights, statistics.left_tail, envelope.left_tail_above),
    )
    sums = _sums(statistics, n_tokens)
    found: list[list[int | None]] = []
    for sign, (weights, tail, limit) in zip((1, -1), ends, strict=True):
        heavy = np.flatnonzero((tail > limit) & ~statistics.flat)
        centred = weights[heavy].astype(np.float64) - statistics.mean[heavy, None]
        z = centred / statistics.std[heavy, None]
        ordinary = _tail_without(sums[heavy], z, n_tokens, sign) <= limit
        found.append([None] * len(tail))
        for at in np.flatnonzero(ordinary.any(1)):
            found[-1][heavy[at]] = int(ordinary[at].argmax()) + 1
    return found[0], found[1]


def _sums(statistics: FeatureStatistics, n_tokens: int) -> F64:
    """Return [F, 5] the sums over tokens that moments are made of (`TileReadings.sums`)."""
    one = np.ones(len(statistics.std))
    signed = (statistics.right_tail - statistics.left_tail) / 2
    columns = (0 * one, one, statistics.skewness, statistics.kurtosis, signed)
    return n_tokens * np.stack(columns, 1)


def _tail_without(sums: F64, z: F64, n_tokens: int, sign: int) -> F64:
    """Return [F, k] the tail of one sign without the first 1 … k of some tokens.

    Args:
        sums: [F, 5] with them.
        z: [F, k] of the tokens.
        n_tokens: n, with them.
        sign: of the tail.
    """
    powers = np.stack([z, z**2, z**3, z**4, z**3 * np.abs(z)], 2)
    left = sums[:, None] - np.cumsum(powers, 1)
    per_token = left / (n_tokens - np.arange(1, z.shape[1] + 1))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):  # where no token is left
        found = moments(per_token.reshape(-1, sums.shape[1]), 1)
    tail = found.right_tail if sign > 0 else found.left_tail
    return tail.reshape(z.shape)
