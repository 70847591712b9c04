"""What naming sets tells of a feature's outermost tokens, beside those named already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.explanation.outermost import Outermost, count_bits, tell

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

_CORE_SIZE, _CORE_SHARE = 0.5, 0.75
"""A core has at most so much of a set's tokens, and at least so much of the fourth powers of its
outermost ones."""
_LEAST_CORE, _CORE_NAME = 2, 0.8
"""It holds so many outermost tokens, and its name is worth so much, at least."""


class Told(NamedTuple):
    """What naming K sets tells.

    Attributes:
        adds: [K] outermost tokens that none of those named already holds.
        worth: [K] the bits that it saves, at least 0, weighed by the sets' names.
    """

    adds: I64
    worth: F64


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

    def tell(self, candidates: I64, named: I64) -> Told:
        """Return what naming candidates [K] tells beside named ones [K, C], −1 for none."""
        found = Told(np.empty(len(candidates), np.int64), np.empty(len(candidates)))
        tell(
            candidates, named, self.row, self.held, self.outermost.squares,
            self.outermost.totals, self.size, self.name, self.tokens, self.sets, *found,
        )  # fmt: skip
        return found

    def is_core(self, candidates: I64, of: I64) -> Bools:
        """Return whether candidates [K] hold few tokens of others [K], and most of the weight.

        Whether they are subsets is for the caller to say.
        """
        held, whole = self.held[candidates], self.held[of]
        core: Bools = (self.row[candidates] == self.row[of]) & (held & ~whole == 0)
        core &= self.size[candidates] <= _CORE_SIZE * self.size[of]
        core &= self.name[candidates] >= _CORE_NAME
        core[core] = count_bits(held[core]) >= _LEAST_CORE
        row, held, whole = self.row[candidates[core]], held[core], whole[core]
        power = self.outermost.share(row, held, 2)
        core[core] = power >= _CORE_SHARE * self.outermost.share(row, whole, 2)
        return core

    def covered(self, named: I64) -> list[float | None]:
        """Return the share of a tail's tokens that any of its named sets has.

        Args:
            named: [F, C] candidates on one side of each feature, −1 for none; a feature without
                has no share.
        """
        held = np.bitwise_or.reduce(np.append(self.held, np.uint64(0))[named], axis=1)
        shares = (count_bits(held) / self.outermost.ids.shape[1]).astype(object)
        shares[(named < 0).all(1)] = None
        return list(shares)
