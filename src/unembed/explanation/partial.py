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

from unembed.compiled import compiled

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_NOTHING_LEFT = 1e-3
"""A set whose shift is known to this share of its variance, given others, has nothing to add."""
_FOLLOWS = 1e-6
"""A given set of whose variance less than this is left, given those before it, follows from
them."""


class Partial(NamedTuple):
    """P sets, each given C others.

    Attributes:
        z: [P] what is left of each set's z, in standard deviations of what is left under the null;
            0 where nothing is.
        weights: [P, C] a: how much of each given z is taken away.
    """

    z: F64
    weights: F64


def partial(z: F64, along: F64, feature: I64, z_given: F64, between: F64) -> Partial:
    """Return the partial test of each of P sets given the C others of its feature.

    Where fewer are given, `along` and `z_given` are 0, and `between` has ones on the diagonal
    there. Of given sets that follow from others, the later ones are left aside.

    Args:
        z: [P] of the sets.
        along: [P, C] correlations with the given sets under the null.
        feature: [P] which of the F features each is of.
        z_given: [F, C] z of the given sets.
        between: [F, C, C] the correlations among them.
    """
    found = Partial(np.empty(len(z)), np.zeros(along.shape))
    _fill(z, along, feature, z_given, between, *found)
    return found


def given_the_others(z: F64, between: F64) -> tuple[F64, F64]:
    """Return the partial test of each of F features' few sets given all the others.

    z [F, C], and the combinations [F, C, C] of all sets, each in its own sd, that are tested.

    Args:
        z: [F, C] of the sets, 0 where there are fewer.
        between: [F, C, C] correlations under the null, with ones on the diagonal.
    """
    scores, combinations = np.zeros_like(z), np.zeros_like(between)
    every = np.arange(len(z))
    for at in range(z.shape[1]):
        others = np.delete(np.arange(z.shape[1]), at)
        among = np.ascontiguousarray(between[:, others[:, None], others])
        along = np.ascontiguousarray(between[:, at, others])
        found = partial(z[:, at], along, every, z[:, others], among)
        scores[:, at] = found.z
        combinations[:, at, at] = 1
        combinations[:, at, others] = -found.weights
    return scores, combinations


@compiled()
def _fill(
    z: F64, along: F64, feature: I64, z_given: F64, between: F64, left: F64, weights: F64
) -> None:
    """Fill in what is left of z [P], and the weights [P, C]."""
    count = along.shape[1]
    factor, known = np.zeros((count, count)), np.zeros(count)
    for k in range(len(z)):
        row = feature[k]
        _factor(between[row], factor)
        variance = 1 - _regress(along[k], factor, known, weights[k])
        left[k] = 0
        if variance > _NOTHING_LEFT:
            taken = 0.0
            for c in range(count):
                taken += weights[k, c] * z_given[row, c]
            left[k] = (z[k] - taken) / np.sqrt(variance)


@compiled()
def _factor(between: F64, factor: F64) -> None:
    """Fill in the Cholesky factor of correlations [C, C], 0 on the diagonal of what follows."""
    for i in range(len(between)):
        for j in range(i + 1):
            value = between[i, j]
            for k in range(j):
                value -= factor[i, k] * factor[j, k]
            if i == j:
                factor[i, i] = np.sqrt(value) if value > _FOLLOWS else 0.0
            else:
                factor[i, j] = value / factor[j, j] if factor[j, j] else 0.0


@compiled()
def _regress(along: F64, factor: F64, known: F64, weights: F64) -> float:
    """Return the variance of a set that given ones explain, and fill in their weights [C].

    Args:
        along: [C] its correlations with them.
        factor: [C, C] of the correlations among them.
        known: [C] scratch.
        weights: [C] filled in.
    """
    explained, count = 0.0, len(along)
    for i in range(count):
        value = along[i]
        for k in range(i):
            value -= factor[i, k] * known[k]
        known[i] = value / factor[i, i] if factor[i, i] else 0.0
        explained += known[i] ** 2
    for i in range(count - 1, -1, -1):
        value = known[i]
        for k in range(i + 1, count):
            value -= factor[k, i] * weights[k]
        weights[i] = value / factor[i, i] if factor[i, i] else 0.0
    return explained
