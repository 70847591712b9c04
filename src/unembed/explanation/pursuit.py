"""Which few token sets say what a feature writes: matching pursuit over what is significant.

The strongest set of a feature drags others with it: sets that overlap it, that hold it, or whose
tokens merely move with its tokens. Sets are chosen one after the other, each by what it says
beyond those chosen before (`partial`), as orthogonal matching pursuit does (Pati et al. 1993), and
at the end each must still stand given the others. What is left over is kept with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.explanation.partial import Partial, given_the_others, inverses, partial
from unembed.explanation.settings import MOST_PARTS

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

Reason = Literal["chance", "slight", "near-duplicate", "explained", "beyond the parts"]
"""Why a significant set is not named.

| reason | |
|---|---|
| `chance` | it passes among all pairs of the bank, but not in its feature |
| `slight` | it holds hardly any of the outermost tokens, and little of the variance |
| `near-duplicate` | random directions can hardly tell it from a set that is named |
| `explained` | given the sets that are named, nothing significant is left of it |
| `beyond the parts` | it adds something, but the label is long enough |
"""


Log10P = Callable[[I64, F64], F32]
"""log10 p of set numbers [P] and their z [P]."""
Log10PGiven = Callable[[I64, F64, F64], F32]
"""Exact log10 p of combinations: set numbers [P, C], how much of each [P, C], and their z [P]."""
Correlations = Callable[[I64, I64], F64]
"""Correlations [K, C] of set numbers [K] with others [K, C] each; 0 with none (−1)."""

ALIKE = 0.8
"""Sets whose z correlate by this much under the null say the same."""
_OFF = 3.0
"""Decades that a set's own table may be off the exact p of what is left of it: 2.2 were found."""
_AS_STRONG = 0.9
"""A set with a plainer name stands for one that is alike, if its z reaches this share."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The sets that are significant in F features, feature after feature.

    Attributes:
        n_features: F.
        feature: [P] ascending.
        token_set: [P] the sets' numbers.
        z: [P] float64.
        plain: [P] whether the name is one that a person would use, not one that spells tokens.
        slight: [P] whether the set says too little of the feature to be named.
        chance: [P] whether its p passes among all pairs only.
        correlations: of z of sets under the null.
    """

    n_features: int
    feature: I64
    token_set: I64
    z: F64
    plain: Bools
    slight: Bools
    chance: Bools
    correlations: Correlations

    @property
    def unfit(self) -> Bools:
        """[P] what is not named, whatever else is."""
        return self.slight | self.chance


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
        self, candidates: Candidates, threshold: F64, log10_p: Log10P, log10_p_given: Log10PGiven
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
        self._add(candidates)
        self._fixed[self.candidates.feature[candidates]] = True

    def settle(self, most: int) -> None:
        """Choose sets that all stand given the others of their feature, at most so many."""
        features = np.arange(self.candidates.n_features)
        while len(features):
            self.choose(features, most)
            features = features[self.counts[features] > 1]
            self.test(features)
            features = self.drop_weakest(features)

    def choose(self, features: I64, most: int) -> None:
        """Choose sets until none adds anything significant, or there are `most`."""
        found, self._most = self.candidates, most
        while len(features):
            z = self._open(features[self.counts[features] < most])
            able = self._in_question(np.flatnonzero(z), z)
            p = self._log10_p(able, z[able])
            passes = p <= self._threshold[found.feature[able]]
            passing, p = able[passes], p[passes]
            best = self._first(passing, p, -np.abs(z[passing]))
            self._add(self._plainest(best, z))
            features = found.feature[best]

    def test(self, features: I64) -> None:
        """Test each chosen set of some features given the other ones, exactly."""
        left, weights = self.given_the_others(features)
        sets = np.broadcast_to(self.token_sets[features, None], weights.shape)
        some = left != 0  # where nothing is left, p is 1
        tested = np.zeros(left.shape, np.float32)
        tested[some] = self._log10_p_given(sets[some], weights[some], left[some])
        self.log10_p[features] = tested

    def drop_weakest(self, features: I64) -> I64:
        """Leave out the chosen set with the largest p given the others, if it does not pass.

        Return the features that lost one.
        """
        p = np.where(self.chosen[features] >= 0, self.log10_p[features], -np.inf)
        p[self._fixed[features], 0] = -np.inf
        weakest = p.argmax(1)
        falls = p.max(1) > self._threshold[features]
        features, weakest = features[falls], weakest[falls]
        chosen = self.chosen[features]
        out = np.arange(MOST_PARTS) == weakest[:, None]
        self._out[chosen[out]] = True
        chosen[out] = -1
        move_up = np.argsort(out, axis=1, kind="stable")
        self._name(features, np.take_along_axis(chosen, move_up, 1))
        return features

    def given_the_others(self, features: I64) -> tuple[F64, F64]:
        """Return what is left of each chosen set of some features given the other ones.

        z [F, 3], and the combination of the chosen sets [F, 3, 3], each in its own sd, that it is
        of.
        """
        return given_the_others(self.z[features], self._between(features))

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
        in_question = ~(found.unfit[others] | (along.max(1) >= ALIKE) | self._out[others])
        in_question &= z * found.z[others] > 0
        in_question &= self.counts[feature] == self._most  # else it would have been chosen
        stands = np.zeros(len(others), bool)
        tested = others[in_question]
        stands[in_question] = (
            self._log10_p(tested, z[in_question]) <= (self._threshold[found.feature[tested]])
        )
        reasons = {
            "chance": found.chance[others],
            "slight": found.slight[others],
            "near-duplicate": along.max(1) >= ALIKE,
            "beyond the parts": stands,
        }
        reason = np.select([*reasons.values()], [*reasons], "explained")
        by = self.chosen[feature, along.argmax(1)]
        first = np.searchsorted(found.feature, feature)
        return Rejected(others, reason, np.where(by < 0, first, by), z)

    def _open(self, features: I64) -> F64:
        """[P] z of each candidate given the chosen ones, 0 where it cannot be chosen."""
        found, own = self.candidates, self._of(features)
        left = self._given_the_chosen(own)
        turned = np.sign(left) != np.sign(found.z[own])
        alike = np.abs(self._along[own]).max(1) >= ALIKE
        z = np.zeros(len(found.z))
        z[own] = np.where(turned | alike | found.unfit[own] | self._out[own], 0, left)
        return z

    def _in_question(self, able: I64, z: F64) -> I64:
        """Return those candidates whose exact p may be the smallest of their feature, and pass.

        An exact p takes long; a set's own table is off by some decades at most.

        Args:
            able: [A] positions of candidates.
            z: [P] of all candidates, given the chosen ones.
        """
        found = self.candidates
        feature = found.feature[able]
        rough = self._log10_p_alone(found.token_set[able], z[able])
        least = np.full(found.n_features, np.inf)
        np.minimum.at(least, feature, rough)
        near = rough <= np.minimum(self._threshold[feature] + _OFF, least[feature] + 2 * _OFF)
        return able[near]

    def _plainest(self, best: I64, z: F64) -> I64:
        """Put the strongest candidate that says the same in a plainer name in place of each best.

        Args:
            best: [B] positions, of features that rise.
            z: [P] of all candidates, 0 where one cannot be chosen.
        """
        found = self.candidates
        spelled = best[~found.plain[best]]
        others = self._of(found.feature[spelled])
        others = others[found.plain[others]]
        own = spelled[np.searchsorted(found.feature[spelled], found.feature[others])]
        alike = self._correlations(others, found.token_set[own, None])[:, 0] >= ALIKE
        # of the same sign, and as strong
        others = others[alike & (z[others] * np.sign(z[own]) >= _AS_STRONG * np.abs(z[own]))]
        plainer = self._first(others, -np.abs(z[others]))
        plainest = best.copy()
        plainest[np.searchsorted(found.feature[best], found.feature[plainer])] = plainer
        return plainest

    def _first(self, candidates: I64, *keys: npt.NDArray[np.floating]) -> I64:
        """Return of each feature the candidate with the smallest keys, the first one deciding."""
        feature = self.candidates.feature[candidates]
        order = np.lexsort((*reversed(keys), feature))
        return candidates[order[np.diff(feature[order], prepend=-1) > 0]]

    def _add(self, candidates: I64) -> None:
        """Name one more candidate of some features each."""
        features = self.candidates.feature[candidates]
        chosen = self.chosen[features]
        chosen[np.arange(len(features)), self.counts[features]] = candidates
        self._name(features, chosen)

    def _name(self, features: I64, chosen: I64) -> None:
        """Have these be the chosen sets of some features."""
        self.chosen[features] = chosen
        own = self._of(features)
        given = self.token_sets[self.candidates.feature[own]]
        self._along[own] = self._correlations(own, given)

    def _of(self, features: I64) -> I64:
        """Return the positions of all candidates of some features."""
        among = np.zeros(self.candidates.n_features, bool)
        among[features] = True
        return np.flatnonzero(among[self.candidates.feature])

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
