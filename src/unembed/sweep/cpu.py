"""The CPU reader: all statistics of a row of a tile, in numba, while the row is in cache.

The loops over a row are written so that they vectorise. Only tokens in the outermost occupied
histogram bins are ever looked at one by one, to find the top and bottom k.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.compiled import compiled
from unembed.fixed_order import LANES, add_powers, total
from unembed.sweep.bins import N_BINS, OFFSET, PER_UNIT
from unembed.sweep.statistics import F64, N_SUMS, TileReadings
from unembed.workers import over_rows

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]

_AT_ONCE = 16
"""Rows that a thread takes at a time."""
_BLOCK = 1024
_SCAN = 64
_LANES = 4
_PER_UNIT = np.float32(PER_UNIT)
_OFFSET = np.float32(OFFSET)
_LAST = np.int32(N_BINS - 1)


def read_tile(z: Float[np.ndarray, "tile tokens"], k: int) -> TileReadings:
    """Return sums, histogram, top-k and bottom-k of every row of a tile.

    Args:
        z: [T, n] standardised logit weights, C-contiguous rows.
        k: how many extreme tokens, at most n.
    """
    rows = z.shape[0]
    readings = TileReadings(
        sums=np.empty((rows, N_SUMS)),
        counts=np.empty((rows, N_BINS), np.uint32),
        top_rows=np.empty((rows, k), np.int32),
        top_z=np.empty((rows, k), np.float32),
        bottom_rows=np.empty((rows, k), np.int32),
        bottom_z=np.empty((rows, k), np.float32),
    )
    over_rows(_read_rows, rows, _AT_ONCE, z, k, *readings)
    return readings


@compiled()
def _read_rows(
    first: int, stop: int, z: F32, k: int, sums: F64, counts: U32,
    top_rows: I32, top_z: F32, bottom_rows: I32, bottom_z: F32,
) -> None:  # fmt: skip
    bins = np.empty(z.shape[1], np.uint8)
    for row in range(first, stop):
        _sums(z[row], sums[row])
        _bin(z[row], bins)
        _count(bins, counts[row])
        low, high = _outer_bins(counts[row], k)
        _extremes(
            z[row], bins, low, high, k,
            top_rows[row], top_z[row], bottom_rows[row], bottom_z[row],
        )  # fmt: skip


@compiled()
def _sums(z: F32, sums: F64) -> None:
    """Power sums: float32 inside a block of 1,024, float64 across blocks."""
    lanes = np.empty((N_SUMS, LANES), np.float32)
    sums[:] = 0
    for start in range(0, z.shape[0], _BLOCK):
        lanes[:] = 0
        add_powers(z[start : start + _BLOCK], lanes)
        for of in range(N_SUMS):
            sums[of] += total(lanes[of])


@compiled()
def _bin(z: F32, bins: U8) -> None:
    """Histogram bin of each token; multiply and add round apart, as they do on a GPU."""
    for i in range(z.shape[0]):
        place = np.int32(z[i] * _PER_UNIT + _OFFSET)
        place = np.int32(0) if place < 0 else place
        bins[i] = np.uint8(_LAST if place > _LAST else place)


@compiled()
def _count(bins: U8, counts: U32) -> None:
    """Histogram in four lanes, so that neighbours in one bin do not wait for each other."""
    lanes = np.zeros((_LANES, 256), np.uint32)
    whole = bins.shape[0] // _LANES * _LANES
    for i in range(0, whole, _LANES):
        lanes[0, bins[i]] += 1
        lanes[1, bins[i + 1]] += 1
        lanes[2, bins[i + 2]] += 1
        lanes[3, bins[i + 3]] += 1
    for i in range(whole, bins.shape[0]):
        lanes[0, bins[i]] += 1
    for place in range(N_BINS):
        counts[place] = lanes[0, place] + lanes[1, place] + lanes[2, place] + lanes[3, place]


@compiled()
def _outer_bins(counts: U32, k: int) -> tuple[int, int]:
    """Return the bins up to and from which the k smallest and k largest surely lie."""
    low, seen = 0, np.int64(counts[0])
    while seen < k:
        low += 1
        seen += counts[low]
    high, seen = N_BINS - 1, np.int64(counts[N_BINS - 1])
    while seen < k:
        high -= 1
        seen += counts[high]
    return low, high


@compiled()
def _extremes(
    z: F32, bins: U8, low: int, high: int, k: int,
    top_rows: I32, top_z: F32, bottom_rows: I32, bottom_z: F32,
) -> None:  # fmt: skip
    top_found = bottom_found = 0
    low8, high8 = np.uint8(low), np.uint8(high)
    for start in range(0, z.shape[0], _SCAN):
        block = bins[start : start + _SCAN]
        hits = np.uint8(0)
        for i in range(block.shape[0]):
            hits |= np.uint8(block[i] <= low8) | np.uint8(block[i] >= high8)
        if hits == 0:
            continue
        for i in range(start, start + block.shape[0]):
            if bins[i] >= high8:
                top_found = _insert(z[i], i, np.float32(1), top_found, k, top_rows, top_z)
            if bins[i] <= low8:
                bottom_found = _insert(
                    z[i], i, np.float32(-1), bottom_found, k, bottom_rows, bottom_z
                )


@compiled()
def _insert(
    value: np.float32, row: int, sign: np.float32, found: int, k: int, rows: I32, values: F32
) -> int:
    """Keep the k largest of sign × value, in order; an equal one that came first stays first."""
    if found == k and not sign * value > sign * values[k - 1]:
        return found
    place = found if found < k else k - 1
    while place > 0 and sign * value > sign * values[place - 1]:
        values[place] = values[place - 1]
        rows[place] = rows[place - 1]
        place -= 1
    values[place] = value
    rows[place] = row
    return found + 1 if found < k else found
