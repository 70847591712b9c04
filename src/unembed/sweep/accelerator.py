"""The same readings of a tile through torch alone, on a GPU or any other device."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.sweep.bins import N_BINS, OFFSET, PER_UNIT
from unembed.sweep.statistics import TileReadings

_ROWS_AT_ONCE = 64
_ROW_BITS = 0xFFFFFFFF


def read_tile(z: Float[Tensor, "tile tokens"], k: int) -> TileReadings:
    """Return sums, histogram, top-k and bottom-k of every row of a tile.

    Given the same z, the counts and the extremes equal the CPU reader's to the last bit, ties
    included, and the sums agree to rounding.

    Args:
        z: [T, n] standardised logit weights.
        k: how many extreme tokens, at most n.
    """
    parts = [_read_rows(rows, k) for rows in torch.split(z, _ROWS_AT_ONCE)]
    sums, counts, top_rows, top_z, bottom_rows, bottom_z = (
        torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)
    )
    return TileReadings(
        sums, counts.astype("uint32"), top_rows.astype("int32"), top_z,
        bottom_rows.astype("int32"), bottom_z,
    )  # fmt: skip


def _read_rows(z: Tensor, k: int) -> tuple[Tensor, ...]:
    wide = z.double()
    square = wide * wide
    sums = torch.stack(
        [wide.sum(1), square.sum(1), (square * wide).sum(1), (square * square).sum(1)], dim=1
    )
    top = ordered(z, k)
    bottom = ordered(-z, k)
    return sums, _histogram(z), top, z.gather(1, top), bottom, z.gather(1, bottom)


def _histogram(z: Tensor) -> Int[Tensor, "tile bins"]:
    places = (z * PER_UNIT).add_(OFFSET).to(torch.int64).clamp_(0, N_BINS - 1)
    counts = torch.zeros(len(z), N_BINS, dtype=torch.int64, device=z.device)
    return counts.scatter_add_(1, places, torch.ones_like(places))


def ordered(z: Tensor, k: int) -> Int[Tensor, "tile k"]:
    """Return the rows of the k largest, in order; equal values in row order.

    A float's bits, read as an integer, order as the float does once negative ones are
    mirrored (and -0.0 equals 0.0); with the row in the low half, the 64-bit keys have no ties.
    """
    bits = z.view(torch.int32).to(torch.int64)
    order = torch.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    rows = torch.arange(z.shape[1], device=z.device)
    keys = (order << 32) | (_ROW_BITS - rows)
    return _ROW_BITS - (keys.topk(k, dim=1).values & _ROW_BITS)
