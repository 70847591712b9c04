"""What naming sets tells of a feature's outermost tokens, beside those named already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unembed.explanation.outermost import Outermost, bits_saved, count_bits

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

_CORE_SIZE, _CORE_SHARE = 0.5, 0.75
"""A core has at most so much of a set's tokens, and at least so much of the fourth powers of its
outermost ones."""
_LEAST_CORE, _CORE_NAME = 2, 0.8
"""It holds so many outermost tokens, and its name is worth so much, at least."""


@dataclass(frozen=True, eq=False)
class Telling:
    """What candidates tell of the outermost tokens of their feature, on the side of their z.

    Attributes:
        outermost: of the features.
        row: [P] the candidate's row there.
        held: [P] which of that row's tokens the set holds (`Outermost.held`).
        size: [P] of the sets.
        name: [P] what the set's name is worth (`phrasing.worth`), at most 1.
        tokens: n.
        sets: of which one is named.
    """

    outermost: Outermost
    row: I64
    held: U64
    size: I64
    name: F64
    tokens: int
    sets: int

    @property
    def counts(self) -> I64:
        """[P] how many outermost tokens each set holds."""
        return count_bits(self.held)

    def adds(self, candidates: I64, named: I64) -> I64:
        """Return how many outermost tokens candidates [K] add to named ones [K, C], −1 for none."""
        return count_bits(self.held[candidates] & ~self._covered(candidates, named))

    def worth(self, candidates: I64, named: I64) -> F64:
        """Return the bits that naming candidates saves, at least 0, weighed by their names."""
        row, covered = self.row[candidates], self._covered(candidates, named)
        new = self.outermost.share(row, self.held[candidates] & ~covered)
        left = 1 - self.outermost.share(row, covered)
        share = np.clip(np.divide(new, left, out=np.zeros(len(new)), where=left > 0), 0, 1)
        of = self.outermost.ids.shape[1] - count_bits(covered)
        bits = bits_saved(share, of, self.size[candidates], self.tokens, self.sets)
        worth: F64 = np.maximum(bits, 0) * self.name[candidates]
        return worth

    def is_core(self, candidates: I64, of: I64) -> Bools:
        """Return whether candidates [K] hold few tokens of others [K], and most of the weight.

        Whether they are subsets is for the caller to say.
        """
        held, whole = self.held[candidates], self.held[of]
        count = count_bits(held)
        power = self.outermost.share(self.row[candidates], held, 2)
        least = _CORE_SHARE * self.outermost.share(self.row[of], whole, 2)
        core: Bools = (self.row[candidates] == self.row[of]) & (held & ~whole == 0)
        core &= (count >= _LEAST_CORE) & (self.name[candidates] >= _CORE_NAME)
        core &= (self.size[candidates] <= _CORE_SIZE * self.size[of]) & (power >= least)
        return core

    def _covered(self, candidates: I64, named: I64) -> U64:
        """Return which tokens of the candidates' rows the named sets of the same side hold."""
        same = (named >= 0) & (self.row[named] == self.row[candidates, None])
        held = np.where(same, self.held[named], np.uint64(0))
        covered: U64 = np.bitwise_or.reduce(held, axis=1)
        return covered
