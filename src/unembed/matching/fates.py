"""What becomes of a bank's features in another one: found again, split, merged, or lost."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.matching.best import F32, I64
from unembed.matching.pairs import Alike, scaled_z

F64 = npt.NDArray[np.float64]

Fate = Literal["again", "split", "merged", "lost"]
FATES: tuple[Fate, ...] = ("again", "split", "merged", "lost")
_NOTHING_LEFT = 1e-4
"""Of a feature's squared length, which float32 no longer tells from nothing."""
_PAIRS_AT_ONCE = 16_384


class Fates(NamedTuple):
    """What becomes of each of A features in another bank.

    Attributes:
        partner: [A] the position of the one-to-one partner; −1 where there is none.
        merged: [A] whether it is alike to some, each of which is another's partner.
        piece_of: [P] the features that are split, once for each further piece …
        piece: [P] … and these pieces' positions, the most alike of a feature first.
    """

    partner: I64
    merged: npt.NDArray[np.bool_]
    piece_of: I64
    piece: I64

    @property
    def names(self) -> npt.NDArray[np.object_]:
        """[A] the fate of each, as text (`Fate`)."""
        split = np.zeros(len(self.partner), bool)
        split[self.piece_of] = True
        found = np.select(
            [split, self.partner >= 0, self.merged], ["split", "again", "merged"], "lost"
        )
        return found.astype(np.object_)


def fates_of(
    alike: Alike,
    pairs: Alike,
    others: Float[Tensor, "b k"],
    chance: Float[Tensor, " a"],
    chance_of_others: Float[Tensor, " b"],
    cutoff: float,
) -> Fates:
    """Return what becomes of each feature of the first bank.

    A feature is split where, beside its partner p, others of the second bank have it as their best
    match, and add to p: the partial correlation of feature and piece j given p,

        (r_j − r_p r_pj) / sqrt((1 − r_p²)(1 − r_pj²))

    is beyond chance as a cosine is. So what is merely akin to the feature, by way of p or by being
    another copy of p, is no piece of it.

    Args:
        alike: all pairs beyond the cut-off.
        pairs: those of them that are one-to-one.
        others: [B, k] the rows of the second bank.
        chance: [A] the spread of chance with each feature of the first.
        chance_of_others: [B] with each of the second.
        cutoff: the z from which features are alike.
    """
    partner = np.full(len(chance), -1, np.int64)
    partner[pairs.ours] = pairs.theirs
    own_cosine = np.zeros(len(chance), np.float32)
    own_cosine[pairs.ours] = pairs.cosine
    merged = np.zeros(len(chance), bool)
    merged[alike.ours] = True
    merged &= partner < 0

    chosen = _best_for_others(alike, len(others))
    of, piece, cosine = alike.ours[chosen], alike.theirs[chosen], alike.cosine[chosen]
    candidates = (partner[of] >= 0) & (partner[of] != piece)
    of, piece, cosine = of[candidates], piece[candidates], cosine[candidates]
    partial = _partial(cosine, own_cosine[of], _cosines(others, partner[of], piece))
    spread = (each[torch.from_numpy(at)] for each, at in
              ((chance, of), (chance_of_others, piece)))  # fmt: skip
    z = scaled_z(torch.from_numpy(partial), *spread).numpy()
    adds = z > cutoff
    return Fates(partner, merged, of[adds], piece[adds])


def _best_for_others(alike: Alike, count: int) -> I64:
    """Return which pairs are the best of a feature of the second bank, the most alike first.

    Args:
        alike: the pairs.
        count: features of the second bank.
    """
    order = np.lexsort((alike.ours, -alike.z))
    theirs = alike.theirs[order]
    first = np.full(count, -1, np.int64)
    first[theirs[::-1]] = order[::-1]  # of several the last one written, the first in order, stays
    best: I64 = first[first >= 0]
    return best[np.lexsort((alike.theirs[best], -alike.z[best]))]


def _cosines(rows: Float[Tensor, "b k"], one: I64, other: I64) -> F32:
    """Return [P] the cosines of pairs of rows of one bank."""
    found = np.empty(len(one), np.float32)
    for start in range(0, len(one), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        a, b = (rows[torch.from_numpy(each[part])] for each in (one, other))
        found[part] = (a * b).sum(1).numpy()
    return found


def _partial(cosine: F32, with_partner: F32, between: F32) -> F32:
    """Return the partial correlation of a feature and a piece, given the feature's partner."""
    left = (1.0 - with_partner.astype(np.float64) ** 2, 1.0 - between.astype(np.float64) ** 2)
    shared = cosine - with_partner.astype(np.float64) * between
    known = (left[0] > _NOTHING_LEFT) & (left[1] > _NOTHING_LEFT)
    partial = np.where(known, shared / np.sqrt(np.where(known, left[0] * left[1], 1)), 0)
    return partial.clip(-1, 1).astype(np.float32)
