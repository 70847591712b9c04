"""The null of a feature's smallest p: how often a random direction has so small a p with any set.

Each of S sets has a p up to x in a share x of random directions, so that S x is a bound. What it
counts too often are directions with which several sets pass. If one passes with N sets, it is
counted N times: the chance is S x E[1/N], over directions with which a set, taken at random, passes
(Adler, Blanchet & Liu 2012, section 4, for the highest point of a Gaussian field). Such a direction
is a random one, moved as its regression on the set's t says to where p is a random share of x. So a
few hundred directions tell it at any depth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


class SmallestP(NamedTuple):
    """How much of the bound S x is true, by log10 x.

    Attributes:
        log10_p: [K] falling.
        share: [K] E[1/N].
        sets: S, those that were tested.
    """

    log10_p: F64
    share: F64
    sets: int

    def log10_p_of(self, smallest: F32) -> F32:
        """Return log10 of the chance of so small a p with any set: S x E[1/N].

        NaN stays.

        Args:
            smallest: [F] the smallest log10 p of features.
        """
        if not self.sets:
            return np.zeros_like(smallest)
        share = np.interp(-smallest.astype(np.float64), -self.log10_p, self.share)
        chance: F32 = np.minimum(np.log10(self.sets * share) + smallest, 0).astype(np.float32)
        return chance
