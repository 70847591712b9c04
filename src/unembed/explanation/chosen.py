"""`Chosen`: the sets that are named of many features so far, and what is left of others beside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from unembed.explanation.candidates import Candidates
from unembed.explanation.partial import Partial, given_the_others, partial
from unembed.explanation.settings import MOST_PARTS

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

Log10P = Callable[[I64, F64], F32]
"""log10 p of set numbers [P] and their z [P]."""
Log10PGiven = Callable[[I64, F64, F64], F32]
"""Exact log10 p of combinations: set numbers [P, C], how much of each [P, C], and their z [P]."""
ALIKE = 0.8
"""Sets whose z correlate by this much under the null say the same."""
_OFF = 3.0
"""Decades that a set's own table may be off the exact p of what is left of it: 2.2 were found."""


class Chosen:
    """What is named of each feature, and the tests of combinations that decide on it.

    Args:
        candidates: what can be named.
        threshold: [F] the largest log10 p that passes in each feature.
        log10_p: of sets and their z.
        log10_p_given: of combinations.

    Attributes:
        candidates: the same.
        places: [F, 3] positions of the sets named so far, in order of choice; −1 for none.
        counts: [F] how many they are.
        token_sets: [F, 3] their numbers, −1 for none.
        z: [F, 3] of them, 0 for none.
        left: [F, 3] what is left of it given the others.
        log10_p: [F, 3] of that; 0 of a set that is named alone, for nothing was to be tested.
        along: [P, 3] correlation of each candidate with each named set of its feature.
    """

    def __init__(
        self,
        candidates: Candidates,
        threshold: F64,
        log10_p: Log10P,
        log10_p_given: Log10PGiven,
    ) -> None:
        self.candidates = candidates
        self._threshold = threshold
        self._log10_p_alone = log10_p
        self._log10_p_given = log10_p_given
        shape = candidates.n_features, MOST_PARTS
        self.places = np.full(shape, -1)
        self.counts = np.zeros(candidates.n_features, np.int64)
        self.token_sets = np.full(shape, -1)
        self.z, self.left = np.zeros(shape), np.zeros(shape)
        self.log10_p = np.zeros(shape, np.float32)
        self.along = np.zeros((len(candidates.z), MOST_PARTS))

    def put(self, candidates: I64, place: I64, held: I64) -> Bools:
        """Name candidates of some features each at a place, where all that is named stands.

        What was named there, and after it, is given up. Return [·, 3] which of them fall, each
        tested given the others: where any does, all stays as it was.

        Args:
            candidates: one of a feature.
            place: at most the number of those that are named.
            held: the place whose set does not fall, whatever the others say; −1 for none.
        """
        features, row = self.candidates.feature[candidates], np.arange(len(candidates))
        chosen = np.where(np.arange(MOST_PARTS) < place[:, None], self.places[features], -1)
        chosen[row, place] = candidates
        z = np.where(chosen >= 0, self.candidates.z[chosen], 0.0)
        left, log10_p = z.copy(), np.zeros(z.shape, np.float32)
        several = place > 0
        left[several], log10_p[several] = self._tested(chosen[several], z[several])
        falls = (log10_p > self._threshold[features, None]) & (chosen >= 0) & several[:, None]
        falls[held >= 0, held[held >= 0]] = False
        stand = np.logical_not(falls.any(1))
        features, place = features[stand], place[stand]
        self.places[features], self.z[features] = chosen[stand], z[stand]
        self.left[features], self.log10_p[features] = left[stand], log10_p[stand]
        self.counts[features] = place + 1
        self._follow(features, place, candidates[stand])
        return falls

    def _tested(self, chosen: I64, z: F64) -> tuple[F64, F32]:
        """Return what is left of chosen sets [·, 3] given the others, and log10 p of it exactly."""
        left, weights = given_the_others(z, self._between(chosen))
        token_sets = np.where(chosen >= 0, self.candidates.token_set[chosen], 0)
        sets = np.broadcast_to(token_sets[:, None], weights.shape)
        some = left != 0  # where nothing is left, p is 1
        log10_p = np.zeros(left.shape, np.float32)
        log10_p[some] = self._log10_p_given(sets[some], weights[some], left[some])
        return left, log10_p

    def _between(self, chosen: I64) -> F64:
        """[·, 3, 3] the correlations among chosen sets, those of the identity for none.

        All but the last chosen ones of a feature are named already.
        """
        between = np.tile(np.eye(MOST_PARTS), (len(chosen), 1, 1))
        for later in range(1, MOST_PARTS):
            along = np.where(chosen[:, later, None] >= 0, self.along[chosen[:, later]], 0.0)
            between[:, later, :later] = between[:, :later, later] = along[:, :later]
        return between

    def _follow(self, features: I64, place: I64, candidates: I64) -> None:
        """Have the numbers of sets and the correlations be those of what is named anew."""
        found = self.candidates
        named = self.places[features]
        self.token_sets[features] = np.where(named >= 0, found.token_set[named], -1)
        own = found.of(features)
        at = np.searchsorted(features, found.feature[own])
        given = found.token_set[candidates][at]
        along = found.correlations(found.token_set[own], given[:, None])[:, 0]
        self.along[own] = np.where(np.arange(MOST_PARTS) < place[at, None], self.along[own], 0.0)
        self.along[own, place[at]] = along

    def alike(self, candidates: I64) -> Bools:
        """Return whether candidates say the same as a named set of their feature."""
        alike: Bools = np.abs(self.along[candidates]).max(1) >= ALIKE
        return alike

    def left_of(self, candidates: I64) -> F64:
        """Return what is left of z of some candidates given the named ones."""
        return self._partial(candidates).z

    def _partial(self, candidates: I64) -> Partial:
        """Return the partial test of some candidates given the named ones."""
        found = self.candidates
        features, row = np.unique(found.feature[candidates], return_inverse=True)
        between = self._between(self.places[features])
        along = self.along[candidates]
        return partial(found.z[candidates], along, row, self.z[features], between)

    def can_stand(self, candidates: I64, z: F64) -> Bools:
        """Return whether candidates may pass, by their own tables, which are nearly exact."""
        found = self.candidates
        features = found.feature[candidates]
        able: Bools = self.counts[features] == 0  # what is significant by itself
        others = ~able
        rough = self._log10_p_alone(found.token_set[candidates[others]], z[others])
        able[others] = rough <= self._threshold[features[others]] + _OFF
        return able

    def stands(self, candidates: I64, z: F64) -> Bools:
        """Return whether what is left of z of some candidates given the named ones passes."""
        passes = self.can_stand(candidates, z)
        of, found = candidates[passes], self.candidates
        named = self.token_sets[found.feature[of]]
        sets = np.column_stack([found.token_set[of], np.where(named < 0, 0, named)])
        weights = np.column_stack([np.ones(len(of)), -self._partial(of).weights])
        log10_p = self._log10_p_given(sets, weights, z[passes])
        passes[passes] = log10_p <= self._threshold[found.feature[of]]
        return passes
