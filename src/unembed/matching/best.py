"""The best match of every row among other rows, by dot product, in blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.products import product

I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

_BLOCK = 512
_MOST = 1 - 2.0**-23


class Best(NamedTuple):
    """One match of each of A rows among others.

    Attributes:
        row: [A] the other row; −1 where there is none.
        cosine: [A] their dot product; NaN where there is none.
    """

    row: I64
    cosine: F32


class Ends(NamedTuple):
    """The two outermost matches of each row.

    Attributes:
        alike: with the largest product, or z.
        opposite: with the smallest.
    """

    alike: Best
    opposite: Best


def z_of(cosine: Float[Tensor, "*a b"], chance: Float[Tensor, " b"]) -> Float[Tensor, "*a b"]:
    """Return cosines in standard deviations of what chance does.

    z = ± sqrt(−log(1 − cos²)) / s, which is cos / s where the cosine is small. In k dimensions
    chance has s² = 1/k and P(|cos| > c) ≈ (1 − c²)^(k/2): so z²/2 is −log p, and a cosine of 1
    is no less than certain where s is large.

    Args:
        cosine: [A, B] of two features, or [B] of pairs.
        chance: [B] s, the standard deviation of random directions' cosines with the second; not 0.
    """
    square = (cosine * cosine).clamp_(max=_MOST)
    return square.neg_().log1p_().neg_().sqrt_().copysign_(cosine).div_(chance)


def best_matches(
    a: Float[Tensor, "a d"],
    b: Float[Tensor, "b d"],
    chance: Float[Tensor, " b"] | None = None,
    own: Int[np.ndarray, " a"] | None = None,
) -> Ends:
    """Return the rows of b with the largest and the smallest product, or z, with each row of a.

    Holds a block of products at a time, never [A, B]. Of equal ones the first row is taken.

    Args:
        a: rows of length 1, or of zeros, which match nothing.
        b: the same, of which rows of zeros are never matched.
        chance: [B] to choose by `z_of` with these; by the product itself, if not given.
        own: [A] a row of b that each row of a is not matched to, such as itself.
    """
    some_a, some_b = (torch.nonzero(rows.any(1))[:, 0] for rows in (a, b))
    found = Ends(_none(len(a)), _none(len(a)))
    if not len(some_b):
        return found
    rows_b = b[some_b]
    positions = torch.arange(len(some_b), device=b.device)
    place = torch.full((len(b),), -1, device=b.device).scatter_(0, some_b, positions)
    for rows in torch.split(some_a, _BLOCK):
        rows_a = a[rows]
        values = product(rows_a, rows_b.T)
        if chance is not None:
            values = z_of(values, chance[some_b])
        without = None if own is None else place[torch.from_numpy(own)[rows]]
        for sign, best in ((1, found.alike), (-1, found.opposite)):
            if without is not None:
                kept = without >= 0
                values[torch.nonzero(kept)[:, 0], without[kept]] = -sign * torch.inf
            most, at = values.max(dim=1) if sign > 0 else values.min(dim=1)
            known = torch.isfinite(most)
            cosines = (rows_a[known] * rows_b[at[known]]).sum(1).clamp(-1, 1)
            best.row[rows[known].numpy()] = some_b[at[known]].numpy()
            best.cosine[rows[known].numpy()] = cosines.numpy()
    return found


def _none(count: int) -> Best:
    return Best(np.full(count, -1, np.int64), np.full(count, np.nan, np.float32))
