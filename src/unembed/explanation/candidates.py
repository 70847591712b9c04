"""The significant sets of features, of which labels name a few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unembed.explanation.telling import Telling

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

Correlations = Callable[[I64, I64], F64]
"""Correlations [K, C] of set numbers [K] with others [K, C] each; 0 with none (−1)."""
Within = Callable[[I64, I64], Bools]
"""Whether sets [K] lie within others [K]."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The sets that are significant in F features, feature after feature.

    Attributes:
        n_features: F.
        feature: [P] ascending.
        token_set: [P] the sets' numbers.
        z: [P] float64.
        variance: [P] the share of the logit weights' variance that the set explains.
        slight: [P] whether the set says too little of the feature to be named.
        chance: [P] whether its p passes among all pairs only.
        last: [P] whether the set is named only where no other can be.
        telling: what naming them tells.
        correlations: of z of sets under the null.
        within: which sets lie within which.
    """

    n_features: int
    feature: I64
    token_set: I64
    z: F64
    variance: F64
    slight: Bools
    chance: Bools
    last: Bools
    telling: Telling
    correlations: Correlations
    within: Within

    @property
    def unfit(self) -> Bools:
        """[P] what is not named, whatever else is."""
        return self.slight | self.chance

    def of(self, features: I64) -> I64:
        """Return the positions of all candidates of some features."""
        among = np.zeros(self.n_features, bool)
        among[features] = True
        return np.flatnonzero(among[self.feature])

    def first(self, candidates: I64, *keys: F64 | Bools) -> I64:
        """Return of each feature the candidate with the smallest keys, the first one deciding."""
        feature = self.feature[candidates]
        order = np.lexsort((*reversed(keys), feature))
        return candidates[order[np.diff(feature[order], prepend=-1) > 0]]
