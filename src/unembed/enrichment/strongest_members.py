"""What is left of a pair's z without the strongest of the set's tokens, and without two of them.

A set may pass for the sake of a single token. What says so is the test of the set without it: the
mean of the other m − 1 tokens, t' = (m t − z_v) / (m − 1), by the standard deviation that it has
over random directions, sd'. With the sets' coordinates c (`DirectionNull.coordinates`), whose
length is the sd, that of the smaller set is |m c − c_v| / (m − 1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.compiled import compiled
from unembed.enrichment.directions import DirectionTest
from unembed.sweep import Membership
from unembed.workers import over_rows

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

MOST = 2
"""Tokens that are left out, one and then the other."""
_SMALL = 64
"""Members up to which the smaller set's own sd is found; of a larger set it is hardly another."""
_AT_ONCE = 64
_PAIRS_AT_ONCE = 4096
_FETCHED_AT_ONCE = 2**24


class Strongest(NamedTuple):
    """The members of sets that a feature moves most in the direction of the pair's z.

    Attributes:
        row: [P, 2] of W_U, the strongest first; −1 where a set has fewer members.
        z: [P, 2] of the tokens; 0 likewise.
    """

    row: I64
    z: F32


def strongest_members(
    z: Float[Tensor, "tile tokens"], feature: I64, token_set: I64, promotes: Bools, sets: Membership
) -> Strongest:
    """Return the two strongest members of each pair's set.

    Args:
        z: [T, n] of a tile, on any device.
        feature: [P] of the tile.
        token_set: [P]
        promotes: [P] whether z of the pair is above 0.
        sets: over the rows of W_U.
    """
    shape = len(feature), MOST
    found = Strongest(np.full(shape, -1, np.int64), np.zeros(shape, np.float32))
    if z.device.type == "cpu":
        over_rows(
            _find_in_rows, len(feature), _AT_ONCE, z.numpy(), feature, token_set, promotes,
            sets.indptr, sets.rows, *found,
        )  # fmt: skip
        return found
    for part, members in _fetched_together(np.diff(sets.indptr)[token_set]):
        starts = np.append(0, np.cumsum(members))
        places = np.arange(starts[-1]) + np.repeat(
            sets.indptr[token_set[part]] - starts[:-1], members
        )
        rows = sets.rows[places]
        there = (torch.from_numpy(np.repeat(feature[part], members)), torch.from_numpy(rows).long())
        values = z[tuple(each.to(z.device) for each in there)].cpu().numpy()
        over_rows(
            _find, len(members), _AT_ONCE, values, rows, starts, promotes[part],
            found.row[part], found.z[part],
        )  # fmt: skip
    return found


def _fetched_together(sizes: I64) -> list[tuple[slice, I64]]:
    """Return stretches of pairs whose sets hold about so many tokens together, with the sizes."""
    edges = np.flatnonzero(np.diff(np.cumsum(sizes) // _FETCHED_AT_ONCE)) + 1
    ends = [0, *edges.tolist(), len(sizes)]
    parts = [slice(*ends[at : at + 2]) for at in range(len(ends) - 1)]
    return [(part, sizes[part]) for part in parts]


@compiled()
def _find_in_rows(
    first: int, stop: int, z: F32, feature: I64, token_set: I64, promotes: Bools, indptr: I64,
    rows: I32, row: I64, value: F32,
) -> None:  # fmt: skip
    """Fill in the strongest of pairs whose z are in the rows of a tile."""
    for pair in range(first, stop):
        weights = z[feature[pair]]
        for at in range(indptr[token_set[pair]], indptr[token_set[pair] + 1]):
            _place(weights[rows[at]], rows[at], promotes[pair], row[pair], value[pair])


@compiled()
def _find(
    first: int, stop: int, z: F32, rows: I32, starts: I64, promotes: Bools, row: I64, value: F32
) -> None:
    """Fill in the strongest of pairs whose members' z lie one after the other."""
    for pair in range(first, stop):
        for at in range(starts[pair], starts[pair + 1]):
            _place(z[at], rows[at], promotes[pair], row[pair], value[pair])


@compiled()
def _place(z: np.float32, member: np.int32, promotes: bool, row: I64, value: F32) -> None:
    """Keep the strongest, in order; an equal one that came first stays first."""
    for place in range(MOST):
        if row[place] < 0 or (z > value[place] if promotes else z < value[place]):
            for later in range(MOST - 1, place, -1):
                row[later], value[later] = row[later - 1], value[later - 1]
            row[place], value[place] = member, z
            return


def z_without(test: DirectionTest, token_set: I64, z: F32, strongest: Strongest) -> F64:
    """Return [P, 2] z of each pair without the strongest member, and without the two strongest.

    0 where no member is left, or nothing that random directions would move.

    Args:
        test: of the pairs.
        token_set: [P]
        z: [P] of the pairs.
        strongest: of the pairs.
    """
    size, sd = test.effects.sizes[token_set], test.sd[token_set]
    left = np.zeros(strongest.row.shape)
    few = np.flatnonzero((size > 1) & (size <= _SMALL))
    lengths = np.zeros(left.shape)
    lengths[few] = _lengths(test, token_set[few], strongest.row[few])
    for count in range(1, MOST + 1):
        some = np.flatnonzero(size > count)
        out = strongest.z[some, :count].sum(1, dtype=np.float64)
        scale = sd[some] * (size[some] - count)
        scale = np.where(size[some] <= _SMALL, lengths[some, count - 1], scale)
        shift = z[some] * sd[some] * size[some] - out
        left[some, count - 1] = np.where(scale > 0, shift / np.where(scale > 0, scale, 1), 0)
    return left


def _lengths(test: DirectionTest, token_set: I64, out: I64) -> F64:
    """Return |m c − Σ c_v|: m − k times the sd of each set [P] without its k strongest [P, 2]."""
    tokens, place = np.unique(out, return_inverse=True)
    of_tokens, place = test.coordinates_of_tokens(tokens), place.reshape(out.shape)
    lengths = np.empty(out.shape)
    for start in range(0, len(token_set), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        sets = token_set[part]
        rest = test.coordinates[sets] * (test.effects.sizes[sets] * test.sd[sets])[:, None]
        for count, column in enumerate(place[part].T):
            rest -= of_tokens[column]
            lengths[part, count] = np.sqrt((rest**2).sum(1))
    return lengths


def rests_on(z: F32, left: F64, critical: F32) -> npt.NDArray[np.int8]:
    """Return on how many tokens, 1 or 2, each pair [P] rests: 0 where it does on more.

    Without so many of its strongest, what is left is below what the set needs to pass.

    Args:
        z: [P] of the pairs.
        left: [P, 2] as `z_without` returns it.
        critical: [P] the |z| from which a pair of the set passes.
    """
    fails = np.sign(z)[:, None] * left < critical[:, None]
    first = np.where(fails[:, 0], 1, np.where(fails[:, 1], 2, 0))
    return first.astype(np.int8)
