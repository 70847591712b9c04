"""Pairs of features of two banks that are more alike than chance, and one-to-one pairs of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from scipy.sparse import csr_array, diags_array, hstack
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from torch import Tensor

from unembed.matching.best import F32, I64, Best, best_matches, z_of
from unembed.products import product

F64 = npt.NDArray[np.float64]

MOST_PAIRS = 2**24
"""Pairs that are held at once: beyond them no assignment is made."""
_BLOCK = 512


class Alike(NamedTuple):
    """Pairs of a feature of one bank and one of another, whose z is beyond a cut-off.

    Attributes:
        ours: [P] the first one's position.
        theirs: [P] the second one's.
        cosine: [P] of the two.
        z: [P] that cosine in standard deviations of chance (`scaled_z`).
    """

    ours: I64
    theirs: I64
    cosine: F32
    z: F32


def scaled_z(
    cosine: Float[Tensor, "*pairs"], ours: Float[Tensor, "*pairs"], theirs: Float[Tensor, "*pairs"]
) -> Float[Tensor, "*pairs"]:
    """Return cosines in standard deviations of chance, the same seen from either bank.

    `best.z_of` with the geometric mean of both spreads: of random directions like the second
    bank's with the first feature, and of ones like the first bank's with the second feature.

    Args:
        cosine: of each pair.
        ours: the first one's spread, not 0.
        theirs: the second one's, not 0.
    """
    return z_of(cosine, (ours * theirs).sqrt())


class Nearest(NamedTuple):
    """The most alike, or most opposite, feature of another bank, whether it counts or not.

    Attributes:
        row: [A] its position; −1 where there is none.
        cosine: [A] of the two; NaN likewise.
        z: [A] that in standard deviations of chance (`scaled_z`).
    """

    row: I64
    cosine: F32
    z: F32


def nearest(
    a: Float[Tensor, "a k"],
    b: Float[Tensor, "b k"],
    chance_a: Float[Tensor, " a"],
    chance_b: Float[Tensor, " b"],
) -> tuple[Nearest, Nearest]:
    """Return the row of b with the largest and with the smallest `scaled_z` with each row of a.

    Args:
        a: rows of length 1, or of zeros, which match nothing.
        b: likewise.
        chance_a: the spread of chance with each row of a.
        chance_b: and of b.
    """
    found = best_matches(a, b, chance_b.sqrt())  # what a row of a has, all its pairs have
    alike, opposite = (_with_z(best, chance_a, chance_b) for best in found)
    return alike, opposite


def _with_z(best: Best, chance_a: Tensor, chance_b: Tensor) -> Nearest:
    row = torch.from_numpy(best.row.clip(0))
    z = scaled_z(torch.from_numpy(best.cosine), chance_a, chance_b[row])
    return Nearest(*best, z.numpy())


def pairs_beyond(
    a: Float[Tensor, "a k"],
    b: Float[Tensor, "b k"],
    chance_a: Float[Tensor, " a"],
    chance_b: Float[Tensor, " b"],
    cutoff: float,
    most: int = MOST_PAIRS,
) -> Alike | None:
    """Return all pairs whose `scaled_z` is beyond a cut-off; None where they are too many.

    Holds a block of products at a time, never [A, B].

    Args:
        a: rows of length 1, or of zeros.
        b: likewise.
        chance_a: the spread of chance with each row of a.
        chance_b: and of b.
        cutoff: above 0; NaN lets nothing pass.
        most: pairs that are held.
    """
    found, count = [], 0
    root_b = chance_b.sqrt()
    for start in range(0, len(a), _BLOCK):
        rows = slice(start, start + _BLOCK)
        cosine = product(a[rows], b.T).clamp_(-1, 1)
        z = z_of(cosine, root_b).div_(chance_a[rows].sqrt()[:, None])
        at, of = torch.nonzero(z > cutoff, as_tuple=True)
        count += len(at)
        if count > most:
            return None
        found.append((at + start, of, cosine[at, of], z[at, of]))
    return Alike(*(torch.cat(column).numpy() for column in zip(*found, strict=True)))


def assigned(pairs: Alike, n_ours: int, n_theirs: int) -> npt.NDArray[np.bool_]:
    """Return [P] which pairs are the one-to-one pairs that chance would make least often.

    No feature is in two of them, and the sum of their z² is the largest that there is: z²/2 is
    −log p of a pair (`best.z_of`). An assignment problem with features left over, solved exactly by
    the sparse algorithm of Jonker and Volgenant (SciPy's `min_weight_full_bipartite_matching`):
    each of ours may be paired with nothing, which costs what the most unlikely pair is worth.

    Args:
        pairs: what may be paired.
        n_ours: how many features the first bank has.
        n_theirs: and the second.
    """
    if not len(pairs.z):
        return np.zeros(0, bool)
    worth = pairs.z.astype(np.float64) ** 2
    nothing = 1 + worth.max()
    shape = n_ours, n_theirs
    costs = csr_array((nothing - worth, (pairs.ours, pairs.theirs)), shape=shape)
    alone = diags_array(np.full(n_ours, nothing))
    row, column = min_weight_full_bipartite_matching(hstack([costs, alone], format="csr"))
    partner = np.full(n_ours, -1, np.int64)
    partner[row] = np.where(column < n_theirs, column, -1)
    chosen: npt.NDArray[np.bool_] = partner[pairs.ours] == pairs.theirs
    return chosen


def mutual_best(ours: Nearest, theirs: Nearest, cutoff: float) -> Alike:
    """Return the pairs of features that are each other's best, and beyond a cut-off.

    Args:
        ours: the most alike of the second bank for each of the first.
        theirs: the most alike of the first for each of the second.
        cutoff: as for `pairs_beyond`.
    """
    at = np.flatnonzero((ours.row >= 0) & (ours.z > cutoff))
    at = at[theirs.row[ours.row[at]] == at]
    return Alike(at, ours.row[at], ours.cosine[at], ours.z[at])


def best_of_both(ours: Nearest, theirs: Nearest, cutoff: float) -> Alike:
    """Return the best pair of every feature of either bank, where it is beyond a cut-off.

    Args:
        ours: as for `mutual_best`.
        theirs: likewise.
        cutoff: likewise.
    """
    parts = []
    for found, first in ((ours, 0), (theirs, 1)):
        at = np.flatnonzero((found.row >= 0) & (found.z > cutoff))
        pair = (at, found.row[at])
        parts.append(Alike(pair[first], pair[1 - first], found.cosine[at], found.z[at]))
    whole = Alike(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    _, once = np.unique(np.stack([whole.ours, whole.theirs]), axis=1, return_index=True)
    return chosen_of(whole, once)


def chosen_of(pairs: Alike, which: npt.NDArray[np.bool_] | I64) -> Alike:
    """Return some of the pairs, by a mask or by number."""
    ours, theirs, cosine, z = pairs
    return Alike(ours[which], theirs[which], cosine[which], z[which])


def turned(pairs: Alike) -> Alike:
    """Return pairs as the second bank sees them."""
    return Alike(pairs.theirs, pairs.ours, pairs.cosine, pairs.z)
