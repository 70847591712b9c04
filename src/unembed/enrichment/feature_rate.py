"""The false discovery rate of features: which of them say anything of any set, before which sets.

Over all pairs of a bank at once, a rate of 1 % is one of pairs. In a bank full of signal so many
pairs pass that the p they need is no small one any more, and among thousands of sets many a random
direction has one that small: its label would be an accident. So features are chosen first, by the
smallest p that each has, and then the sets of the chosen ones, in each feature by itself, at a
level that falls with the share that was chosen (Benjamini & Bogomolov 2014, *Selective inference on
multiple families of hypotheses*, section 2): the expected share of false sets, averaged over the
chosen features, stays below the rate.

The p of a feature is the chance that a random direction has so small a p with any set
(`smallest_p`): four fifths or so of the smallest p times the number of sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.enrichment.smallest_p import SmallestP

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class FeatureRate:
    """What is known of F features before any of their sets is named.

    Attributes:
        smallest: [F] the smallest log10 p of each; NaN for flat features, which take no part.
        log10_p: [F] the chance that a random direction has so small a p with any set.
        log10_q: [F] Benjamini and Hochberg's, over the features of the bank.
        sets: how many were tested.
    """

    smallest: Float[np.ndarray, " features"]
    log10_p: Float[np.ndarray, " features"]
    log10_q: Float[np.ndarray, " features"]
    sets: int

    @classmethod
    def of(cls, smallest: F32, null: SmallestP) -> FeatureRate:
        """Return the rate of a bank's features.

        Args:
            smallest: [F] the smallest log10 p of each; NaN for flat ones.
            null: of it.
        """
        log10_p = null.log10_p_of(smallest)
        return cls(smallest, log10_p, _benjamini_hochberg(log10_p), null.sets)

    def part(self, start: int, stop: int) -> FeatureRate:
        """Return what is known of some of the features, their q over all of them."""
        own = slice(start, stop)
        return FeatureRate(self.smallest[own], self.log10_p[own], self.log10_q[own], self.sets)

    def chosen(self, max_q: float) -> Bools:
        """Return [F] which features pass."""
        passing: Bools = self.log10_q <= np.log10(max_q)
        return passing

    def largest(self, max_q: float) -> float:
        """Return up to which smallest log10 p features pass; −inf if none does."""
        chosen = self.chosen(max_q)
        return float(self.smallest[chosen].max()) if chosen.any() else -np.inf

    def log10_level(self, max_q: float) -> float:
        """Return log10 of the level at which the sets of a chosen feature are tested.

        It is max_q times the share of the features that are chosen; −inf where none is.
        """
        tested = np.count_nonzero(~np.isnan(self.log10_p))
        chosen = np.count_nonzero(self.chosen(max_q))
        return float(np.log10(max_q * chosen / tested)) if chosen else -np.inf


def thresholds(
    feature: I64, log10_p: npt.NDArray[np.floating], count: int, sets: int, log10_level: float
) -> F64:
    """Return [F] the largest log10 p that passes in each feature, −inf where none does.

    Benjamini and Hochberg's, over the sets of each feature by itself: the k-th smallest p passes if
    it is at most level · k / S.

    Args:
        feature: [P] of pairs, from 0 to `count`; those that are left out count as not passing.
        log10_p: [P]
        count: F, of features.
        sets: S, of tested sets.
        log10_level: at which they are tested.
    """
    order = np.lexsort((log10_p, feature))
    of = feature[order]
    rank = np.arange(len(of)) - np.searchsorted(of, of) + 1
    allowed = log10_level + np.log10(rank / sets)
    found = np.full(count, -np.inf)
    passes = log10_p[order] <= allowed
    np.maximum.at(found, of[passes], allowed[passes])
    return found


def _benjamini_hochberg(log10_p: F32) -> F32:
    """Return log10 q of values that are tested together; NaN where there is no p."""
    tested = np.flatnonzero(~np.isnan(log10_p))
    order = tested[np.argsort(log10_p[tested], kind="stable")]
    stepped = log10_p[order] + np.log10(len(order) / np.arange(1, len(order) + 1))
    log10_q = np.full(len(log10_p), np.nan, np.float32)
    log10_q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 0)
    return log10_q
