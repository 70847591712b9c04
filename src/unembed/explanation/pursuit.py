"""Which few token sets say what a feature writes: matching pursuit over what is significant.

The strongest set of a feature drags others with it: sets that overlap it, that hold it, or whose
tokens merely move with its tokens. Sets are chosen one after the other, each by what it says
beyond those chosen before (`partial`), as orthogonal matching pursuit does (Pati et al. 1993), and
at the end each must still stand given the others. What is left over is kept with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.explanation.partial import given_the_others, partial

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

Reason = Literal["slight", "near-duplicate", "explained", "beyond the parts"]
"""Why a significant set is not named.

| reason | |
|---|---|
| `slight` | it holds hardly any of the outermost tokens, and little of the variance |
| `near-duplicate` | random directions can hardly tell it from a set that is named |
| `explained` | given the sets that are named, nothing significant is left of it |
| `beyond the parts` | it adds something, but the label is long enough |
"""

Log10P = Callable[[I64, F64], F32]
"""log10 p of set numbers and their z."""

ALIKE = 0.8
"""Sets whose z correlate by this much under the null say the same."""
_AS_STRONG = 0.9
"""A set with a plainer name stands for one that is alike, if its z reaches this share."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The sets that are significant in one feature.

    Attributes:
        token_set: [K] their numbers.
        z: [K] float64.
        gram: [K, K] correlations of z under the null.
        plain: [K] whether the name is one that a person would use, not one that spells tokens.
        slight: [K] whether the set says too little of the feature to be named.
    """

    token_set: I64
    z: F64
    gram: F64
    plain: npt.NDArray[np.bool_]
    slight: npt.NDArray[np.bool_]


class Rejected(NamedTuple):
    """A significant set that is not named.

    Attributes:
        candidate: its position among the candidates.
        reason: why.
        by: the position of the named set most like it.
        z: what is left of its z given the named sets.
    """

    candidate: int
    reason: Reason
    by: int
    z: float


@dataclass(eq=False)
class Pursuit:
    """The choice for one feature, step by step.

    Attributes:
        candidates: what can be chosen.
        chosen: positions of the sets named so far, in order of choice.
        out: positions that were tried, and did not stand.
        log10_p: of each chosen set given the others, once that was tested.
    """

    candidates: Candidates
    chosen: list[int] = field(default_factory=list)
    out: set[int] = field(default_factory=set)
    log10_p: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    _fixed: int | None = None

    @property
    def token_sets(self) -> I64:
        """The numbers of the chosen sets."""
        numbers: I64 = self.candidates.token_set[self.chosen]
        return numbers

    def fixed(self, candidate: int) -> None:
        """Name a candidate first, whatever the others say."""
        self._fixed = candidate
        self.chosen = [candidate]

    def choose(self, log10_p: Log10P, threshold: float, most: int) -> None:
        """Choose sets until none adds anything significant, or there are `most`.

        Args:
            log10_p: of set numbers and their z.
            threshold: the largest log10 p that passes.
            most: how many to choose.
        """
        while len(self.chosen) < most:
            z = self._open()
            p = np.where(z == 0, 0.0, log10_p(self.candidates.token_set, z))
            if not (p <= threshold).any():
                return
            self.chosen.append(self._plainest(int(np.lexsort((-np.abs(z), p))[0]), z))

    def _open(self) -> F64:
        """Return z of each candidate given the chosen ones, 0 where it cannot be chosen."""
        found = self.candidates
        z = partial(found.z, found.gram, np.array(self.chosen, np.int64)).z
        z[np.sign(z) != np.sign(found.z)] = 0
        z[(self._most_alike()[0] >= ALIKE) | found.slight] = 0
        z[[*self.out, *self.chosen]] = 0
        return z

    def _plainest(self, best: int, z: F64) -> int:
        """Return the strongest candidate that says the same in a plainer name, or `best`."""
        found = self.candidates
        if found.plain[best]:
            return best
        same = (found.gram[best] >= ALIKE) & found.plain & (np.sign(z) == np.sign(z[best]))
        strong = same & (np.abs(z) >= _AS_STRONG * np.abs(z[best]))
        return int(np.argmax(np.where(strong, np.abs(z), 0))) if strong.any() else best

    def _most_alike(self) -> tuple[F64, I64]:
        """[K] the largest correlation with a chosen set, and which set that is."""
        count = len(self.candidates.z)
        if not self.chosen:
            return np.zeros(count), np.zeros(count, np.int64)
        among = np.abs(self.candidates.gram[:, self.chosen])
        return among.max(1), np.array(self.chosen)[among.argmax(1)]

    def given_the_others(self) -> tuple[F64, F64]:
        """Return what is left of each chosen set given the other ones.

        z [C], and the combination of the chosen sets [C, C], each in its own sd, that it is of.
        """
        found = self.candidates
        only = np.ix_(self.chosen, self.chosen)
        return given_the_others(found.z[self.chosen], found.gram[only])

    def drop_weakest(self, threshold: float) -> bool:
        """Leave out the chosen set with the largest p given the others, if it does not pass."""
        p = self.log10_p.copy()
        if self._fixed is not None:
            p[self.chosen.index(self._fixed)] = -np.inf
        weakest = int(np.argmax(p))
        if p[weakest] <= threshold:
            return False
        self.out.add(self.chosen.pop(weakest))
        return True

    def rejected(self, log10_p: Log10P, threshold: float, limit: int) -> list[Rejected]:
        """Return the strongest candidates that are not named, with the reason."""
        found = self.candidates
        z = partial(found.z, found.gram, np.array(self.chosen, np.int64)).z
        p = log10_p(found.token_set, z)
        alike, by = self._most_alike()
        named = set(self.chosen)
        others = [int(at) for at in np.argsort(-np.abs(found.z)) if int(at) not in named]

        def reason(at: int) -> Reason:
            if found.slight[at]:
                return "slight"
            if alike[at] >= ALIKE:
                return "near-duplicate"
            stands = p[at] <= threshold and z[at] * found.z[at] > 0 and at not in self.out
            return "beyond the parts" if stands else "explained"

        return [Rejected(at, reason(at), int(by[at]), float(z[at])) for at in others[:limit]]
