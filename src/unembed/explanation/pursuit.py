"""Which few token sets say what a feature writes: a pursuit over what is significant.

The strongest set of a feature drags others with it: sets that overlap it, that hold it, or whose
tokens merely move with its tokens. Sets are chosen one after the other, each by what naming it
tells of the outermost tokens beside those chosen before (`Telling`). What is significant is the
gate: each set must stand given those before it (`partial`), as in orthogonal matching pursuit (Pati
et al. 1993), and at the end given all others. Of a set whose weight is nearly all in few of its
tokens, a set of those is named as its core. What is left over is kept with the reason (`rejected`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.explanation.candidates import Candidates
from unembed.explanation.chosen import Chosen
from unembed.explanation.settings import MOST_PARTS, ExplanationSettings

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_MOST_TRIES = 5
"""Sets that do not stand before a feature has all its parts: those after them tell less."""


class Pursuit:
    """The choice for many features at once, step by step; none has to do with another.

    Args:
        candidates: what can be chosen.
        chosen: of which none is named yet.
        settings: how many sets are named of a feature, and what a further one adds at least.

    Attributes:
        chosen: what is named so far.
        out: [P] what is not named: it never was to be, or was tried, and did not stand.
    """

    def __init__(
        self, candidates: Candidates, chosen: Chosen, settings: ExplanationSettings
    ) -> None:
        self.chosen = chosen
        self.out = candidates.unfit
        self._found = candidates
        self._settings = settings
        self._fixed = np.zeros(candidates.n_features, bool)
        self._tries = np.zeros(candidates.n_features, int)
        """[F] how many did not stand."""

    def fix(self, candidates: I64) -> None:
        """Name candidates first, whatever the others say; at most one a feature."""
        self._fixed[self._found.feature[candidates]] = True
        self._join(candidates)

    def settle(self) -> None:
        """Choose sets until none adds anything that stands, or all that may be are named."""
        features = np.arange(self._found.n_features)
        while len(features):
            best = self._best(features[self.chosen.counts[features] < self._settings.parts])
            falls = self._join(best).any(1)
            self.out[best[falls]] = True
            self._add_cores(best[~falls])
            features = self._found.feature[best]
            self._tries[features] += falls
            features = features[self._tries[features] < _MOST_TRIES]

    def ended(self, features: I64) -> Bools:
        """Return of which features nothing more was tried, whatever there was."""
        ended: Bools = self.chosen.counts[features] == self._settings.parts
        return ended | (self._tries[features] >= _MOST_TRIES)

    def tell(self, candidates: I64) -> tuple[Bools, F64]:
        """Return whether candidates add too little to what is named, and what naming them saves."""
        found = self._found
        told = found.telling.tell(candidates, self._named(candidates))
        thin = (told.adds < self._settings.least_tokens) | (told.worth <= 0)
        thin &= found.variance[candidates] < self._settings.least_variance
        beside = self.chosen.counts[found.feature[candidates]] > 0
        return beside & (thin | found.last[candidates]), told.worth

    def wholes(self) -> I64:
        """Return the smallest other chosen set [F, 3] that each lies within, −1 for none.

        On the same side; what splits a feature holds others anyway, and is none.
        """
        found, places = self._found, self.chosen.places
        wholes = np.full(places.shape, -1)
        several = np.flatnonzero(self.chosen.counts > 1)
        sets, z, places = self.chosen.token_sets[several], self.chosen.z[several], places[several]
        inside = (sets >= 0)[:, :, None] & (sets >= 0)[:, None] & ~np.eye(MOST_PARTS, dtype=bool)
        inside &= z[:, :, None] * z[:, None] > 0
        inside[self._fixed[several], :, 0] = False
        feature, part, other = np.nonzero(inside)
        inside[inside] = found.within(sets[feature, part], sets[feature, other])
        size = np.where(places >= 0, found.telling.size[places], 0) if len(several) else places
        smallest = np.where(inside, size[:, None], np.inf).argmin(2)
        wholes[several] = np.where(inside.any(2), np.take_along_axis(sets, smallest, 1), -1)
        return wholes

    def _best(self, features: I64) -> I64:
        """Return of each feature the candidate to be named next, if there is one."""
        found = self._found
        able, z = self._able(found.of(features))
        can = self.chosen.can_stand(able, z)
        able, z = able[can], z[can]
        thin, worth = self.tell(able)
        able, z, worth = able[~thin], z[~thin], worth[~thin]
        best = found.first(able, found.last[able], -worth, -found.variance[able], -np.abs(z))
        return self._narrowed(best, able, worth)

    def _able(self, candidates: I64) -> tuple[I64, F64]:
        """Return which of some candidates may be named, and what is left of z of them."""
        able = candidates[~(self.out[candidates] | self.chosen.alike(candidates))]
        left = self.chosen.left_of(able)
        same = np.sign(left) == np.sign(self._found.z[able])
        return able[same], left[same]

    def _join(self, candidates: I64) -> Bools:
        """Name one more candidate of some features each, where all that is named stands with it.

        What was named before told more, and is not given up. Return which fall, as `Chosen.put`.
        """
        return self._put(candidates, self.chosen.counts[self._found.feature[candidates]])

    def _put(self, candidates: I64, place: I64) -> Bools:
        """Name candidates at a place; what was fixed does not fall."""
        held = np.where(self._fixed[self._found.feature[candidates]], 0, -1)
        return self.chosen.put(candidates, place, held)

    def _narrowed(self, best: I64, able: I64, worth: F64) -> I64:
        """Put a core in place of each best candidate that tells nothing beyond it.

        Args:
            best: one of a feature.
            able: those that can be chosen.
            worth: of each of these.
        """
        at, of = self._cores(able, best)
        beside = np.column_stack([self._named(able[at]), able[at]])
        at = at[self._found.telling.tell(of, beside).worth <= 0]
        chosen = self._found.first(able[at], -worth[at])
        instead = np.full(self._found.n_features, -1)
        instead[self._found.feature[chosen]] = chosen
        core = instead[self._found.feature[best]]
        return np.where(core < 0, best, core)

    def _add_cores(self, chosen: I64) -> None:
        """Name the core of some chosen sets, each the last of its feature, where one stands.

        In the place of a set that no longer stands given its core.
        """
        found = self._found
        features = found.feature[chosen]
        chosen = chosen[self.chosen.counts[features] < self._settings.parts]
        own = found.of(found.feature[chosen])
        cores, z = self._able(own[self._cores(own, chosen)[0]])
        told = found.telling.tell(cores, np.full((len(cores), 1), -1))
        cores = found.first(cores, -told.worth, -np.abs(z))
        last = self.chosen.counts[found.feature[cores]] - 1
        falls, row = self._join(cores), np.arange(len(cores))
        instead = falls[row, last] & ~falls[row, last + 1]
        self._put(cores[instead], last[instead])

    def _cores(self, candidates: I64, wholes: I64) -> tuple[I64, I64]:
        """Return where among candidates the cores of the whole of their feature are, and these."""
        found = self._found
        whole = np.full(found.n_features, -1)
        whole[found.feature[wholes]] = wholes
        at = np.flatnonzero(whole[found.feature[candidates]] >= 0)
        of = whole[found.feature[candidates[at]]]
        core = found.telling.is_core(candidates[at], of)
        at, of = at[core], of[core]
        inside = found.within(found.token_set[candidates[at]], found.token_set[of])
        return at[inside], of[inside]

    def _named(self, candidates: I64) -> I64:
        """Return the chosen sets [K, 3] of the features of candidates.

        What splits a feature covers most tokens anyway, and does not count.
        """
        features = self._found.feature[candidates]
        named = self.chosen.places[features]
        named[self._fixed[features], 0] = -1
        return named
