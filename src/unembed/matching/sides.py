"""How far what a feature reads and what it writes agree, held against other features' sides.

Each side has a row of z over the same token sets, and two rows may agree as a whole, by their
correlation, or in a set that both are about. All features have some of it, those that frequent
tokens move much on either side above all: so they are held against the row of one feature and that
of another, which random pairing would give.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.enrichment.shared_sets import shared_sets
from unembed.products import array_product

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_FEWEST = 3
"""Features that there must be for one to have others beside it."""


class Agreement(NamedTuple):
    """Of F features that are held against each other; NaN for those that have no two sides.

    Attributes:
        correlation: [F] Pearson's, of a feature's two rows.
        z: [F] how many standard deviations it lies beyond the correlations of the same feature's
            rows with those of others: of what it reads with what others write, and of what others
            read with what it writes, whichever is less.
        p: [F] the share of pairs of two different features whose z is as far from 0, at least one
            in all there are.
        shared: [F] the token set that both sides are about, the one whose smaller |z| is largest;
            −1 without one.
        shared_z: [F] that |z|, negative where the two signs differ; 0 without one.
        sign: [F] 1 where the sides agree, −1 where they are opposite, 0 where neither is clear.
        chance: the share of pairs of two different features of which that would be said.
    """

    correlation: F64
    z: F64
    p: F64
    shared: I64
    shared_z: F64
    sign: F64
    chance: float


def agreement(
    read: F32, written: F32, among: Bools, columns: Bools, least: F32, level: float
) -> Agreement:
    """Return how far what features read and what they write agree.

    They do in the sign of a set that both are about, or else of their correlation, where that is
    beyond those of all but a few pairs of different features.

    Args:
        read: [F, S] z of what they read with every set.
        written: [F, S] z of what they write.
        among: [F] which of them have both sides; a flat one has no row.
        columns: [S] which sets count.
        least: [S] the |z| from which a side is about a set.
        level: which share of pairs are a few.
    """
    count = int(np.count_nonzero(among))
    nothing = np.full(len(read), np.nan)
    found = Agreement(
        nothing, nothing.copy(), nothing.copy(), np.full(len(read), -1), np.zeros(len(read)),
        np.zeros(len(read)), 0.0,
    )  # fmt: skip
    if count < _FEWEST:
        return found
    rows, others = (side[among][:, columns] for side in (read, written))
    every = array_product(
        _standardised(rows), np.ascontiguousarray(_standardised(others).T)
    ).astype(np.float64)
    z = _less_far(_by_rows(every), _by_rows(every.T).T)
    p, shared = _as_far(z), shared_sets(rows, others, least[columns])
    sign = np.sign(np.where(shared.token_set >= 0, shared.z, np.where(p <= level, z, 0)))
    number = np.diagonal(shared.token_set)
    found.correlation[among], found.z[among] = np.diagonal(every), np.diagonal(z)
    found.p[among] = np.diagonal(p)
    found.shared[among] = np.where(number < 0, -1, np.flatnonzero(columns)[number])
    found.shared_z[among], found.sign[among] = np.diagonal(shared.z), np.diagonal(sign)
    own = np.eye(count, dtype=bool)
    return found._replace(chance=float(np.mean(sign[~own] != 0)))


def _as_far(values: F64) -> F64:
    """Return [F, F] the share of pairs of different features as far from 0 as each."""
    own = np.eye(len(values), dtype=bool)
    chance = np.sort(np.abs(values[~own]))
    as_far = len(chance) - np.searchsorted(chance, np.abs(values), side="left")
    found: F64 = (as_far + own) / (len(chance) + own)  # a feature's own pair counts beside them
    return found


def _standardised(rows: F32) -> F32:
    """Return rows of mean 0 and length 1, so that products of them are correlations."""
    centred = rows.astype(np.float64)
    centred -= centred.mean(1, keepdims=True)
    lengths = np.sqrt((centred**2).sum(1, keepdims=True))
    unit: F32 = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0).astype(
        np.float32
    )
    return unit


def _by_rows(every: F64) -> F64:
    """Return each value in standard deviations of its row, from the row's mean, its own left out.

    The diagonal is a feature with itself, and part of no null; any other is left out of its own
    null likewise, so that a pair of two features is treated as a feature's own pair is.
    """
    own = np.eye(len(every), dtype=bool)
    others = np.where(own, 0, every)
    count = np.where(own, len(every) - 1, len(every) - 2)
    total = others.sum(1, keepdims=True) - np.where(own, 0, every)
    square = (others**2).sum(1, keepdims=True) - np.where(own, 0, every**2)
    mean = total / count
    spread = np.sqrt(np.maximum(square / count - mean**2, 0))
    z: F64 = np.divide(every - mean, spread, out=np.zeros_like(every), where=spread > 0)
    return z


def _less_far(one: F64, other: F64) -> F64:
    """Return the value nearer to 0 of each two of one sign; 0 where signs differ."""
    nearer = np.where(np.abs(one) <= np.abs(other), one, other)
    found: F64 = np.where(one * other > 0, nearer, 0.0)
    return found
