"""The shapes of sums of random directions, for what reading two rows costs.

Where w₁ and w₂ are random directions, so are w₁ + w₂ and w₁ − w₂, and their logit weights are sums
and differences of rows that a tile holds. Moments of these take no product with W_U.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unembed.compiled import compiled
from unembed.fixed_order import LANES, add_powers, total
from unembed.products import ROWS
from unembed.sweep import accelerator
from unembed.sweep.statistics import F64, N_SUMS, Moments, moments
from unembed.workers import over_rows

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

ROUNDS = 3
"""Partners of each row, which are six mixtures of each: more say little that is new."""
_GROUP = ROWS
"""Rows that are mixed with one another; each tile holds whole groups, but for the last one."""
_BLOCK = 1024
_AT_ONCE = 4


def partners(count: int) -> tuple[I64, I64]:
    """Return which rows of so many are mixed with which others, [P] each: no two pairs are alike.

    >>> [each.tolist() for each in partners(3)]
    [[0, 1, 2], [2, 0, 1]]
    """
    one, other = [], []
    for start in range(0, count, _GROUP):
        size = min(_GROUP, count - start)
        rows = np.arange(size)
        for shift in range(1, min(ROUNDS, (size - 1) // 2) + 1):
            one.append(start + rows)
            other.append(start + np.roll(rows, shift))
    nothing = [np.zeros(0, np.int64)]
    return np.concatenate(nothing + one), np.concatenate(nothing + other)


def mixture_moments(z: Tensor, std: F64) -> tuple[F64, Moments]:
    """Return the standard deviations [2 P] and moments of mixtures of a tile's rows.

    The sum and the difference of each pair, one after the other, in the order of `partners`: that
    of all tiles together does not depend on where they end.

    Args:
        z: [T, n] standardised logit weights, on any device; no row is flat.
        std: [T] of the logit weights.
    """
    one, other = partners(len(z))
    size = np.hypot(std[one], std[other])
    shares = np.stack([std[one] / size, std[other] / size], 1).astype(np.float32)
    sums = np.empty((len(one), 2, N_SUMS))
    if z.device.type == "cpu":
        over_rows(_mix, len(one), _AT_ONCE, z.numpy(), one, other, shares, sums)
    else:
        _mix_there(z, one, other, shares, sums)
    of_z = moments(sums.reshape(-1, N_SUMS), z.shape[1])
    return np.repeat(size / np.sqrt(2), 2) * of_z.std, of_z


@compiled()
def _mix(first: int, stop: int, z: F32, one: I64, other: I64, shares: F32, sums: F64) -> None:
    """Fill in the sums of mixtures, as those of rows are summed up."""
    n = z.shape[1]
    mixed = np.empty((2, _BLOCK), np.float32)
    lanes = np.empty((N_SUMS, LANES), np.float32)
    for pair in range(first, stop):
        left, right, a, b = z[one[pair]], z[other[pair]], shares[pair, 0], shares[pair, 1]
        sums[pair] = 0
        for start in range(0, n, _BLOCK):
            size = min(_BLOCK, n - start)
            for i in range(size):
                x, y = a * left[start + i], b * right[start + i]
                mixed[0, i], mixed[1, i] = x + y, x - y
            for which in range(2):
                lanes[:] = 0
                add_powers(mixed[which, :size], lanes)
                for of in range(N_SUMS):
                    sums[pair, which, of] += total(lanes[of])


def _mix_there(z: Tensor, one: I64, other: I64, shares: F32, sums: F64) -> None:
    """Fill in the same on the device of z."""
    for part in np.split(np.arange(len(one)), range(_GROUP, len(one), _GROUP)):
        rows = (torch.from_numpy(each[part]).to(z.device) for each in (one, other))
        of_each = torch.from_numpy(shares[part]).to(z.device)
        x, y = (z[each] * share[:, None] for each, share in zip(rows, of_each.T, strict=True))
        for which, mixed in enumerate((x + y, x.sub_(y))):
            sums[part, which] = accelerator.power_sums(mixed).cpu().numpy()
