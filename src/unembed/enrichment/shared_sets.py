"""The token set that two rows of z are both about: the one whose smaller |z| is largest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


class Shared(NamedTuple):
    """Of every row of one side with every row of another.

    Attributes:
        z: [F, G] the smaller |z| of the set that both are about, negative where the two signs
            differ; 0 without such a set.
        token_set: [F, G] its number; −1 without one.
    """

    z: F32
    token_set: I32


def shared_sets(one: F32, other: F32, least: F32) -> Shared:
    """Return the set that every two rows of z are both about.

    Args:
        one: [F, S] z.
        other: [G, S] z.
        least: [S] the |z| from which a row is about a set; infinite for one that none is about.
    """
    rows, sets = np.nonzero(np.abs(one) >= least)
    ends = np.searchsorted(rows, np.arange(len(one) + 1)).astype(np.int64)
    z = np.zeros((len(one), len(other)), np.float32)
    token_set = np.full(z.shape, -1, np.int32)
    _find(one, np.ascontiguousarray(other.T), ends, sets.astype(np.int64), least, z, token_set)
    return Shared(z, token_set)


@compiled()
def _find(one: F32, other: F32, ends: I64, sets: I64, least: F32, z: F32, token_set: I32) -> None:
    for row in range(len(one)):
        for at in range(ends[row], ends[row + 1]):
            number = sets[at]
            here = one[row, number]
            for column in range(other.shape[1]):
                there = other[number, column]
                smaller = min(abs(here), abs(there))
                if smaller >= least[number] and smaller > abs(z[row, column]):
                    z[row, column] = smaller if (here > 0) == (there > 0) else -smaller
                    token_set[row, column] = number
