"""Which few token sets say what a feature writes: a pursuit over what is significant.

The strongest set of a feature drags others with it: sets that overlap it, that hold it, or whose
tokens merely move with its tokens. Sets are chosen one after the other, each by what naming it
tells of the outermost tokens beside those chosen before (`Telling`). What is significant is the
gate: each set must stand given those before it (`partial`), as in orthogonal matching pursuit (Pati
et al. 1993), and at the end given all others. Of a set whose weight is nearly all in few of its
tokens, a set of those is named as its core. What is left over is kept with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.explanation.candidates import Candidates
from unembed.explanation.partial import Partial, given_the_others, inverses, partial
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
_MOST_TRIES = 5
"""Sets that do not stand before a feature has all its parts: those after them tell less."""
LEAST_TOKENS, LEAST_VARIANCE = 2, 0.01
"""What a further set adds, at least: outermost tokens, or a share of the variance."""


class Rejected(NamedTuple):
    """Significant sets that are not named, the strongest of each feature first.

    Attributes:
        candidate: [R] positions among the candidates, feature after feature.
        reason: [R] why: a `Reason` each.
        by: [R] the position of the named set most like it; where none is named, of the feature's
            first candidate.
        z: [R] what is left of its z given the named sets.
    """

    candidate: I64
    reason: npt.NDArray[np.str_]
    by: I64
    z: F64


class Pursuit:
    """The choice for many features at once, step by step; none has to do with another.

    Args:
        candidates: what can be chosen.
        threshold: [F] the largest log10 p that passes in each feature.
        log10_p: of sets and their z.
        log10_p_given: of combinations.

    Attributes:
        candidates: the same.
        chosen: [F, 3] positions of the sets named so far, in order of choice; −1 for none.
        log10_p: [F, 3] of each chosen set given the others, where there are others, once that was
            tested.
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
        self.chosen = np.full((candidates.n_features, MOST_PARTS), -1)
        self.log10_p = np.zeros(self.chosen.shape, np.float32)
        self._along = np.zeros((len(candidates.z), MOST_PARTS))
        """[P, 3] correlation of each candidate with each chosen set of its feature."""
        self._out = np.zeros(len(candidates.z), bool)
        """[P] what was tried, and did not stand."""
        self._fixed = np.zeros(candidates.n_features, bool)
        self._tries = np.zeros(candidates.n_features, int)
        """[F] how many did not stand."""
        self._most = 0

    @property
    def counts(self) -> I64:
        """[F] how many sets are chosen."""
        counts: I64 = (self.chosen >= 0).sum(1)
        return counts

    @property
    def token_sets(self) -> I64:
        """[F, 3] the numbers of the chosen sets, −1 for none."""
        token_sets: I64 = np.append(self.candidates.token_set, -1)[self.chosen]
        return token_sets

    @property
    def z(self) -> F64:
        """[F, 3] z of the chosen sets, 0 for none."""
        z: F64 = np.append(self.candidates.z, 0.0)[self.chosen]
        return z

    def fix(self, candidates: I64) -> None:
        """Name candidates first, whatever the others say; at most one a feature."""
        self._fixed[self.candidates.feature[candidates]] = True
        self._join(candidates)

    def settle(self, most: int) -> None:
        """Choose sets until none adds anything that stands, or there are `most`."""
        found, self._most = self.candidates, most
        features = np.arange(found.n_features)
        while len(features):
            z = self._open(features[self.counts[features] < most])
            able = np.flatnonzero(z)
            able = able[self._can_stand(able, z[able])]
            best = self.candidates.first(
                able, found.last[able], -self._worth(able), -found.variance[able], -np.abs(z[able])
            )
            best = self._narrowed(best, able)
            falls = self._join(best).any(1)
            self._out[best[falls]] = True
            self._add_cores(best[~falls])
            features = found.feature[best]
            self._tries[features] += falls
            features = features[self._tries[features] < _MOST_TRIES]

    def _join(self, candidates: I64) -> Bools:
        """Name one more candidate of some features each, where all that is named stands with it.

        What was named before told more, and is not given up. Return which fall, as `_exchange`.
        """
        features = self.candidates.feature[candidates]
        chosen = self.chosen[features]
        chosen[np.arange(len(features)), self.counts[features]] = candidates
        return self._exchange(features, chosen)

    def _exchange(self, features: I64, chosen: I64) -> Bools:
        """Have these be the chosen sets [·, 3] of some features, where all of them stand.

        Return which of them fall, each tested given the others; what was fixed does not.
        """
        before = self.chosen[features]
        self._name(features, chosen)
        falls = np.zeros(chosen.shape, bool)
        several = self.counts[features] > 1
        p = self._log10_p_left(features[several])
        falls[several] = p > self._threshold[features[several], None]
        falls &= chosen >= 0
        falls[:, 0] &= ~self._fixed[features]
        stand = np.logical_not(falls.any(1))
        self._name(features[~stand], before[~stand])
        self.log10_p[features[several & stand]] = p[stand[several]]
        return falls

    def _log10_p_left(self, features: I64) -> F32:
        """Return log10 p of each chosen set [·, 3] of some features given the others, exactly."""
        left, weights = self.given_the_others(features)
        sets = np.broadcast_to(self.token_sets[features, None], weights.shape)
        some = left != 0  # where nothing is left, p is 1
        log10_p = np.zeros(left.shape, np.float32)
        log10_p[some] = self._log10_p_given(sets[some], weights[some], left[some])
        return log10_p

    def _narrowed(self, best: I64, able: I64) -> I64:
        """Put a core in place of each best candidate that tells nothing beyond it.

        Args:
            best: one of a feature.
            able: those that can be chosen.
        """
        cores, of = self._cores(able, best)
        beside = np.column_stack([self._named(cores), cores])
        cores = cores[self.candidates.telling.worth(of, beside) <= 0]
        cores = self.candidates.first(cores, -self._worth(cores))
        instead = np.full(self.candidates.n_features, -1)
        instead[self.candidates.feature[cores]] = cores
        core = instead[self.candidates.feature[best]]
        return np.where(core < 0, best, core)

    def _add_cores(self, chosen: I64) -> None:
        """Name the core of some chosen sets, each the last of its feature, where one stands.

        In the place of a set that no longer stands given its core.
        """
        features = self.candidates.feature[chosen]
        z = self._able(features[self.counts[features] < self._most])
        cores, _ = self._cores(np.flatnonzero(z), chosen)
        alone = np.full((len(cores), 1), -1)
        worth = self.candidates.telling.worth(cores, alone)
        cores = self.candidates.first(cores, -worth, -np.abs(z[cores]))
        features = self.candidates.feature[cores]
        last = self.counts[features] - 1
        falls, row = self._join(cores), np.arange(len(cores))
        instead = falls[row, last] & ~falls[row, last + 1]
        features, last = features[instead], last[instead]
        exchanged = self.chosen[features]
        exchanged[np.arange(len(features)), last] = cores[instead]
        self._exchange(features, exchanged)

    def _cores(self, candidates: I64, wholes: I64) -> tuple[I64, I64]:
        """Return which candidates are cores of the whole of their feature, and each one's whole."""
        found = self.candidates
        whole = np.full(found.n_features, -1)
        whole[found.feature[wholes]] = wholes
        candidates = candidates[whole[found.feature[candidates]] >= 0]
        of = whole[found.feature[candidates]]
        core = found.telling.is_core(candidates, of)
        candidates, of = candidates[core], of[core]
        inside = found.within(found.token_set[candidates], found.token_set[of])
        return candidates[inside], of[inside]

    def given_the_others(self, features: I64) -> tuple[F64, F64]:
        """Return what is left of each chosen set of some features given the other ones.

        z [F, 3], and the combination of the chosen sets [F, 3, 3], each in its own sd, that it is
        of.
        """
        return given_the_others(self.z[features], self._between(features))

    def wholes(self) -> I64:
        """Return the smallest other chosen set [F, 3] that each lies within, −1 for none.

        On the same side; what splits a feature holds others anyway, and is none.
        """
        found, sets = self.candidates, self.token_sets
        shape = (len(sets), MOST_PARTS, MOST_PARTS)
        part, other = (np.broadcast_to(s, shape) for s in (sets[:, :, None], sets[:, None]))
        inside = (part >= 0) & (other >= 0) & ~np.eye(MOST_PARTS, dtype=bool)
        inside &= self.z[:, :, None] * self.z[:, None] > 0
        inside[self._fixed, :, 0] = False
        inside[inside] = found.within(part[inside], other[inside])
        size = np.append(found.telling.size, 0)[self.chosen]
        smallest = np.where(inside, size[:, None], np.inf).argmin(2)
        wholes: I64 = np.where(inside.any(2), np.take_along_axis(sets, smallest, 1), -1)
        return wholes

    def rejected(self, limit: int) -> Rejected:
        """Return the strongest candidates of each feature that are not named, with the reason."""
        found = self.candidates
        named = np.zeros(len(found.z), bool)
        named[self.chosen[self.chosen >= 0]] = True
        others = np.lexsort((-np.abs(found.z), found.feature))
        others = others[~named[others]]
        feature = found.feature[others]
        rank = np.arange(len(others)) - np.searchsorted(feature, feature)
        others, feature = others[rank < limit], feature[rank < limit]

        z = self._given_the_chosen(others)
        along = np.abs(self._along[others])
        alike, thin = self._alike(others), self._thin(others)
        out = self._out[others]
        in_question = ~(found.unfit[others] | alike) & (z * found.z[others] > 0)
        ended = (self.counts[feature] == self._most) | (self._tries[feature] >= _MOST_TRIES)
        in_question &= out | thin | ended  # else it would be chosen
        stands = np.zeros(len(others), bool)
        stands[in_question] = self._stands(others[in_question], z[in_question])
        reasons = {
            "chance": found.chance[others],
            "slight": found.slight[others],
            "near-duplicate": alike,
            "rival": stands & out,
            "covered": stands & thin,
            "beyond the parts": stands,
        }
        reason = np.select([*reasons.values()], [*reasons], "explained")
        by = self.chosen[feature, along.argmax(1)]
        first = np.searchsorted(found.feature, feature)
        return Rejected(others, reason, np.where(by < 0, first, by), z)

    def _open(self, features: I64) -> F64:
        """[P] z of each candidate given the chosen ones, 0 where it cannot be chosen."""
        z = self._able(features)
        able = np.flatnonzero(z)
        z[able[self._thin(able)]] = 0
        return z

    def _able(self, features: I64) -> F64:
        """[P] likewise, whether or not a candidate adds to the chosen ones."""
        found, own = self.candidates, self.candidates.of(features)
        left = self._given_the_chosen(own)
        turned = np.sign(left) != np.sign(found.z[own])
        out = found.unfit[own] | self._out[own] | self._alike(own)
        z = np.zeros(len(found.z))
        z[own] = np.where(turned | out, 0, left)
        return z

    def _alike(self, candidates: I64) -> Bools:
        """Return whether candidates say the same as a chosen set of their feature."""
        alike: Bools = np.abs(self._along[candidates]).max(1) >= ALIKE
        return alike

    def _thin(self, candidates: I64) -> Bools:
        """Return whether candidates add too little to the chosen sets of their feature."""
        found = self.candidates
        thin = found.telling.adds(candidates, self._named(candidates)) < LEAST_TOKENS
        thin |= self._worth(candidates) <= 0
        thin &= found.variance[candidates] < LEAST_VARIANCE
        beside: Bools = self.counts[found.feature[candidates]] > 0
        return beside & (thin | found.last[candidates])

    def _worth(self, candidates: I64) -> F64:
        """Return what naming candidates tells, beside the chosen sets of their feature."""
        return self.candidates.telling.worth(candidates, self._named(candidates))

    def _named(self, candidates: I64) -> I64:
        """Return the chosen sets [K, 3] of the features of candidates.

        What splits a feature covers most tokens anyway, and does not count.
        """
        features = self.candidates.feature[candidates]
        named = self.chosen[features]
        named[self._fixed[features], 0] = -1
        return named

    def _stands(self, candidates: I64, z: F64) -> Bools:
        """Return whether what is left of z of some candidates given the chosen ones passes."""
        passes = self._can_stand(candidates, z)
        able = candidates[passes]
        threshold = self._threshold[self.candidates.feature[able]]
        passes[passes] = self._log10_p(able, z[passes]) <= threshold
        return passes

    def _can_stand(self, candidates: I64, z: F64) -> Bools:
        """Return whether candidates may pass, by their own tables, which are nearly exact."""
        found = self.candidates
        features = found.feature[candidates]
        able: Bools = self.counts[features] == 0  # what is significant by itself
        others = ~able
        rough = self._log10_p_alone(found.token_set[candidates[others]], z[others])
        able[others] = rough <= self._threshold[features[others]] + _OFF
        return able

    def _name(self, features: I64, chosen: I64) -> None:
        """Have these be the chosen sets of some features."""
        self.chosen[features] = chosen
        own = self.candidates.of(features)
        given = self.token_sets[self.candidates.feature[own]]
        self._along[own] = self._correlations(own, given)

    def _given_the_chosen(self, candidates: I64) -> F64:
        """Return what is left of z of some candidates given the chosen ones."""
        return self._partial(candidates).z

    def _partial(self, candidates: I64) -> Partial:
        """Return the partial test of some candidates given the chosen ones."""
        found, along = self.candidates, self._along[candidates]
        features, row = np.unique(found.feature[candidates], return_inverse=True)
        inverse = inverses(self._between(features))[row]
        return partial(found.z[candidates], along, self.z[features][row], inverse)

    def _log10_p(self, candidates: I64, z: F64) -> F32:
        """Return log10 p of what is left of z of some candidates, by the combination that it is.

        A set's own table says it only where nothing is chosen yet.
        """
        found = self.candidates
        given = self.counts[found.feature[candidates]] > 0
        log10_p = np.zeros(len(candidates), np.float32)
        alone, others = candidates[~given], candidates[given]
        log10_p[~given] = self._log10_p_alone(found.token_set[alone], z[~given])
        chosen = self.token_sets[found.feature[others]]
        sets = np.column_stack([found.token_set[others], np.where(chosen < 0, 0, chosen)])
        weights = np.column_stack([np.ones(len(others)), -self._partial(others).weights])
        log10_p[given] = self._log10_p_given(sets, weights, z[given])
        return log10_p

    def _between(self, features: I64) -> F64:
        """[·, 3, 3] the correlations among the chosen sets, those of the identity for none."""
        chosen = self.chosen[features]
        return np.where((chosen >= 0)[:, :, None], self._along[chosen], np.eye(MOST_PARTS))

    def _correlations(self, candidates: I64, given: I64) -> F64:
        """Return the correlations of candidates [K] with given sets [K, C], 0 with none (−1)."""
        found = self.candidates
        return found.correlations(found.token_set[candidates], given)
