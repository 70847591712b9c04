"""The same readings of a tile through torch alone, on a GPU or any other device.

Floats are added up by reductions, whose order is fixed, and never by scattering, whose order is not
on a GPU: so the same run has the same bytes again.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unembed.sweep.bins import N_BINS, OFFSET, PER_UNIT
from unembed.sweep.device import at_once
from unembed.sweep.statistics import TileReadings

_BLOCK = 1024
_ROW_BITS = 0xFFFFFFFF


def read_tile(z: Float[Tensor, "tile tokens"], k: int) -> TileReadings:
    """Return sums, histogram, top-k and bottom-k of every row of a tile.

    Given the same z, the counts and the extremes equal the CPU reader's to the last bit, ties
    included, and the sums agree to rounding.

    Args:
        z: [T, n] standardised logit weights.
        k: how many extreme tokens, at most n.
    """
    parts = [_read_rows(rows, k) for rows in torch.split(z, at_once(4 * z.shape[1]))]
    sums, counts, top, top_crowded, bottom, bottom_crowded = (
        torch.cat(column).cpu() for column in zip(*parts, strict=True)
    )
    for rows, crowded, sign in ((top, top_crowded, 1), (bottom, bottom_crowded, -1)):
        _settle(z, k, sign, rows, crowded)
    top_z, bottom_z = (z.gather(1, rows.to(z.device)).cpu() for rows in (top, bottom))
    return TileReadings(
        sums.numpy(), counts.numpy().view(np.uint32), top.int().numpy(), top_z.numpy(),
        bottom.int().numpy(), bottom_z.numpy(),
    )  # fmt: skip


def _read_rows(z: Tensor, k: int) -> tuple[Tensor, ...]:
    return power_sums(z), _histogram(z), *_outermost(z, k, 1), *_outermost(z, k, -1)


def power_sums(z: Tensor) -> Float[Tensor, "tile 5"]:
    """Return the sums of z, z², z³, z⁴ and z³|z| of rows."""
    square = z * z
    cube = square * z
    sums = [_sum(z), _sum(square), _sum(cube), _sum(square * square), _sum(cube.mul_(z.abs()))]
    return torch.stack(sums, dim=1)


def _sum(values: Tensor) -> Float[Tensor, " tile"]:
    """Sums of rows: float32 inside a block of 1,024, float64 across blocks, as on the CPU."""
    blocks = values.shape[1] // _BLOCK
    whole, rest = values[:, : blocks * _BLOCK], values[:, blocks * _BLOCK :]
    of_blocks = whole.reshape(len(values), blocks, _BLOCK).sum(2)
    total: Tensor = of_blocks.double().sum(1) + rest.sum(1).double()
    return total


def _histogram(z: Tensor) -> Int[Tensor, "tile bins"]:
    """Count in bins; multiply and add round apart, as they do on the CPU."""
    places = (z * PER_UNIT).add_(OFFSET).clamp_(0, N_BINS - 1).to(torch.int64)
    one = torch.ones((), dtype=torch.int32, device=z.device)
    counts = torch.zeros(len(z), N_BINS, dtype=torch.int32, device=z.device)
    return counts.scatter_add_(1, places, one.expand_as(places))


def _outermost(z: Tensor, k: int, sign: int) -> tuple[Int[Tensor, "tile k"], Bool[Tensor, " tile"]]:
    """Return the rows of W_U of the k largest (sign 1) or smallest (−1), outermost first.

    And whether more tokens than k reach as far as the last: which of them come first is then left
    to chance here.
    """
    found = z.topk(k, dim=1, largest=sign > 0)
    last = found.values[:, -1:]
    crowded = ((z >= last) if sign > 0 else (z <= last)).sum(1) > k
    keys = _keys(found.values * sign, found.indices).sort(dim=1, descending=True).values
    return _rows_of(keys), crowded


def _settle(z: Tensor, k: int, sign: int, rows: Tensor, crowded: Tensor) -> None:
    """Fill in those rows [T, k], on the CPU, that were left to chance: by keys without ties."""
    for part in torch.split(crowded.nonzero()[:, 0], at_once(16 * z.shape[1])):
        some = z[part.to(z.device)] * sign
        every = torch.arange(z.shape[1], device=z.device)
        rows[part] = _rows_of(_keys(some, every).topk(k, dim=1).values).cpu()


def _keys(z: Tensor, rows: Tensor) -> Int[Tensor, "tile tokens"]:
    """Return 64 bits that order as z does, and equal z as their rows, the first one largest.

    A float's bits, read as an integer, order as the float does once negative ones are mirrored
    (and -0.0 equals 0.0); the row stands in the low half.
    """
    bits = z.view(torch.int32).to(torch.int64)
    order = torch.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    return (order << 32) | (_ROW_BITS - rows)


def _rows_of(keys: Tensor) -> Int[Tensor, "tile k"]:
    return _ROW_BITS - (keys & _ROW_BITS)
