"""Partial direction tests: what a token set says of a feature beyond what others say of it.

Under the null, the shifts z_S of all sets are known combinations of one random direction: each set
has a unit vector cₛ (`DirectionTest.coordinates`), and cₛ·cₜ is the correlation of z_S and z_T.
Given z_T of the sets that a label names already, what S adds is

    z_S|T = (z_S − a·z_T) / |cₛ − Σ aₜ cₜ|   with a from least squares

It is the direction test of δ_S/sd_S − Σ aₜ δ_T/sd_T, so that its p-value is exact like any other,
and it needs neither tokens nor weights, but S × d numbers and the z-scores. Months raise weekdays
in every direction: this takes that for what it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_NOTHING_LEFT = 1e-3
"""A set whose shift is known to this share of its variance, given others, has nothing to add."""


class Partial(NamedTuple):
    """Candidates given chosen sets.

    Attributes:
        z: [K] what is left of each candidate's z, in standard deviations of what is left under
            the null; 0 where nothing is.
        weights: [K, C] a: how much of each chosen z is taken away.
        left: [K] the standard deviation that is left, of 1.
    """

    z: F64
    weights: F64
    left: F64


def partial(z: F64, gram: F64, chosen: I64) -> Partial:
    """Return the partial test of K candidates given some of them.

    Args:
        z: [K] of one feature.
        gram: [K, K] correlations of the candidates under the null.
        chosen: positions of those that are given.
    """
    if not len(chosen):
        return Partial(z.copy(), np.zeros((len(z), 0)), np.ones(len(z)))
    between: F64 = gram[np.ix_(chosen, chosen)]
    # einsum adds up in one order, where a product's depends on threads and on how many there are
    weights: F64 = np.einsum("ck,cd->kd", gram[chosen], np.linalg.pinv(between, rcond=1e-9))
    variance = 1 - (weights * gram[:, chosen]).sum(1)
    some = variance > _NOTHING_LEFT
    left: F64 = np.sqrt(np.where(some, variance, 0.0))
    scores: F64 = np.where(
        some, (z - np.einsum("kc,c->k", weights, z[chosen])) / np.where(some, left, 1), 0.0
    )
    return Partial(scores, weights, left)


def given_the_others(z: F64, gram: F64) -> tuple[F64, F64]:
    """Return the partial test of each of a few sets given all the others.

    z [K], and the combinations [K, K] of all sets, each in its own sd, that are tested.

    Args:
        z: [K] of one feature.
        gram: [K, K] correlations under the null.
    """
    scores, combinations = np.zeros(len(z)), np.eye(len(z))
    for at in range(len(z)):
        others = np.delete(np.arange(len(z)), at)
        found = partial(z, gram, others)
        scores[at] = found.z[at]
        combinations[at, others] = -found.weights[at]
    return scores, combinations
