"""The power sums of logit weights in each part of the vocabulary that a label's sets cut out.

All logit weights stay where they were made: of a tile on a GPU, what the sets hold is fetched, and
the sums over whole rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.compiled import compiled
from unembed.explanation.evidence import CELLS
from unembed.explanation.members import members_of
from unembed.fixed_order import LANES, add_powers, total
from unembed.sweep.device import at_once
from unembed.workers import over_rows

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

_N_SUMS = 5
"""Count, and sums of z, z², z³ and z⁴."""
_AT_ONCE = 8
"""Features that a thread takes at a time."""
_FETCHED_AT_ONCE = 2**24


def cell_sums(
    z: Float[Tensor, "tile tokens"], features: I64, parts: I64, indptr: I64, rows: I32
) -> F64:
    """Return [B, 8, 5]: count and power sums of z in each cell that a feature's parts cut out.

    Cell i holds the tokens that are in part p exactly where bit p of i is set. Most tokens are in
    none: what cell 0 holds is the whole row less the members of the parts.

    Args:
        z: [T, n] standardised logit weights, on any device.
        features: [B] rows of z.
        parts: [B, 3] set numbers, −1 for none.
        indptr: [S + 1] where each set begins in `rows`.
        rows: [memberships] the columns of z that each set holds.
    """
    sums = np.zeros((len(features), CELLS, _N_SUMS))
    if z.device.type == "cpu":
        over_rows(
            _sum_rows, len(features), _AT_ONCE, z.numpy(), features, parts, indptr, rows, sums
        )
        return sums
    sizes = np.where(parts < 0, 0, np.diff(indptr)[parts]).sum(1)
    for part in _stretches(sizes):
        starts = np.append(0, np.cumsum(sizes[part]))
        columns = np.empty(starts[-1], np.int32)
        _list_members(parts[part], indptr, rows, columns)
        owner = np.repeat(features[part], sizes[part])
        here, there = (torch.from_numpy(each).to(z.device) for each in (owner, columns))
        found = z[here, there.long()].cpu().numpy()
        whole = _power_sums_there(z, torch.from_numpy(features[part]).to(z.device)).cpu().numpy()
        over_rows(
            _sum_members, len(starts) - 1, _AT_ONCE, found, starts, columns, whole, z.shape[1],
            parts[part], indptr, rows, sums[part],
        )  # fmt: skip
    return sums


def _stretches(sizes: I64) -> Iterator[slice]:
    """Yield stretches of features whose parts hold about so many tokens together."""
    edges = np.flatnonzero(np.diff(np.cumsum(sizes) // _FETCHED_AT_ONCE)) + 1
    for start, stop in pairwise([0, *edges.tolist(), len(sizes)]):
        yield slice(start, stop)


@compiled()
def _list_members(parts: I64, indptr: I64, rows: I32, columns: I32) -> None:
    """Fill in what the parts of each feature hold, one part after the other."""
    at = 0
    for b in range(len(parts)):
        for p in range(parts.shape[1]):
            for row in members_of(parts[b, p], indptr, rows):
                columns[at] = row
                at += 1


@compiled()
def _sum_rows(
    first: int, stop: int, z: F32, features: I64, parts: I64, indptr: I64, rows: I32, sums: F64
) -> None:
    """Fill in the sums of rows on the CPU."""
    for b in range(first, stop):
        weights = z[features[b]]
        _sum_cells(weights, parts[b], indptr, rows, sums[b])
        _power_sums(weights, sums[b, 0])
        _take_cells(sums[b])


@compiled()
def _sum_members(
    first: int, stop: int, z: F32, starts: I64, columns: I32, whole: F64, n: int, parts: I64,
    indptr: I64, rows: I32, sums: F64,
) -> None:  # fmt: skip
    """Fill in the sums from what the parts of each feature hold, and the sums of the whole rows.

    Args:
        first: of the features that are filled in.
        stop: where they end.
        z: [M] of what the parts hold.
        starts: [B + 1] where each feature begins in it.
        columns: [M] which of the n tokens each is.
        whole: [B, 5]
        n: the number of tokens.
        parts: [B, 3] as above, like the rest.
        indptr: [S + 1]
        rows: [memberships]
        sums: [B, 8, 5] zeros.
    """
    weights = np.empty(n, np.float32)
    for b in range(first, stop):
        for i in range(starts[b], starts[b + 1]):
            weights[columns[i]] = z[i]
        _sum_cells(weights, parts[b], indptr, rows, sums[b])
        for of in range(_N_SUMS):
            sums[b, 0, of] = whole[b, of]
        _take_cells(sums[b])


@compiled()
def _sum_cells(weights: F32, parts: I64, indptr: I64, rows: I32, sums: F64) -> None:
    """Fill in the sums of every cell but that of no part."""
    cell = np.zeros(len(weights), np.uint8)
    for p in range(len(parts)):
        for row in members_of(parts[p], indptr, rows):
            cell[row] |= 1 << p
    for p in range(len(parts)):
        for row in members_of(parts[p], indptr, rows):
            if cell[row]:
                _add(weights[row], sums[cell[row]])
                cell[row] = 0  # so that it is counted once


@compiled()
def _take_cells(sums: F64) -> None:
    """Take what the other cells hold from the sums of the whole row, in the place of cell 0."""
    for of in range(_N_SUMS):
        within = 0.0
        for c in range(1, CELLS):
            within += sums[c, of]
        sums[0, of] -= within


@compiled()
def _add(value: np.float32, sums: F64) -> None:
    """Add one token to the sums of its cell."""
    wide = np.float64(value)
    power = 1.0
    for of in range(_N_SUMS):
        sums[of] += power
        power *= wide


@compiled()
def _power_sums(z: F32, sums: F64) -> None:
    """Fill in count and power sums of a row, in float64 throughout: much is taken away again."""
    lanes = np.zeros((_N_SUMS, LANES))
    add_powers(z, lanes)
    sums[0] = len(z)
    for power in range(1, _N_SUMS):
        sums[power] = total(lanes[power - 1])


def _power_sums_there(
    z: Float[Tensor, "tile tokens"], rows: Int[Tensor, " some"]
) -> Float[Tensor, "some 5"]:
    """Return the same of some rows of a tile, on its device."""
    found = []
    for part in torch.split(rows, at_once(16 * z.shape[1])):
        wide = z[part].double()
        square = wide * wide
        count = torch.full_like(wide[:, 0], z.shape[1])
        powers = [wide.sum(1), square.sum(1), (square * wide).sum(1), (square * square).sum(1)]
        found.append(torch.stack([count, *powers], dim=1))
    return torch.cat(found)
