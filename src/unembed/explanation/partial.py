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


_FOLLOWS = 1e-6
"""A determinant of correlations below this tells that one follows from others."""


class Partial(NamedTuple):
    """P sets, each given C others.

    Attributes:
        z: [P] what is left of each set's z, in standard deviations of what is left under the null;
            0 where nothing is.
        weights: [P, C] a: how much of each given z is taken away.
    """

    z: F64
    weights: F64


def partial(z: F64, along: F64, z_given: F64, inverse: F64) -> Partial:
    """Return the partial test of each of P sets given C others.

    Where fewer are given, `along` and `z_given` are 0, and `inverse` is that of a matrix with ones
    on the diagonal there.

    Args:
        z: [P] of the sets, of any features.
        along: [P, C] correlations with the given sets under the null.
        z_given: [P, C] z of the given sets, in the same features.
        inverse: [P, C, C] of the correlations among them (`inverses`).
    """
    # added up element by element: a product's order depends on how many there are
    weights = (along[:, :, None] * inverse).sum(1)
    variance = 1 - (weights * along).sum(1)
    some = variance > _NOTHING_LEFT
    left = np.sqrt(np.where(some, variance, 1))
    return Partial(np.where(some, (z - (weights * z_given).sum(1)) / left, 0), weights)


def inverses(between: F64) -> F64:
    """Return the inverse of each matrix of correlations [F, C, C], where some may follow."""
    follow = np.abs(np.linalg.det(between)) < _FOLLOWS
    inverse: F64 = np.linalg.inv(np.where(follow[:, None, None], np.eye(between.shape[1]), between))
    if follow.any():
        inverse[follow] = np.linalg.pinv(between[follow], rcond=1e-9)
    return inverse


def given_the_others(z: F64, between: F64) -> tuple[F64, F64]:
    """Return the partial test of each of F features' few sets given all the others.

    z [F, C], and the combinations [F, C, C] of all sets, each in its own sd, that are tested.

    Args:
        z: [F, C] of the sets, 0 where there are fewer.
        between: [F, C, C] correlations under the null, with ones on the diagonal.
    """
    scores, combinations = np.zeros_like(z), np.zeros_like(between)
    for at in range(z.shape[1]):
        others = np.delete(np.arange(z.shape[1]), at)
        inverse = inverses(between[:, others[:, None], others])
        found = partial(z[:, at], between[:, at, others], z[:, others], inverse)
        scores[:, at] = found.z
        combinations[:, at, at] = 1
        combinations[:, at, others] = -found.weights
    return scores, combinations
