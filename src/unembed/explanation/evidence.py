"""How much a label explains: of the outermost tokens, of the variance, and of the kurtosis.

A label names up to three sets, which cut the vocabulary into at most eight parts. The power sums
of the logit weights in each part are all that is needed: least squares on the sets, and the
moments of what is left (Gurnee et al. 2024, section 4, condition on one set in this way).
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled
from unembed.explanation.explanation import Explained
from unembed.explanation.settings import MOST_PARTS

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_CELLS = 2**MOST_PARTS
_N_SUMS = 5
"""Count, and sums of z, z², z³ and z⁴."""


def regress(sums: F64, n_parts: int) -> Explained:
    """Return what the sets explain, by least squares on their indicators.

    Args:
        sums: [8, 5] of one feature, as `cell_sums` returns them.
        n_parts: how many sets there are.
    """
    filled = sums[:, 0] > 0
    count = sums[filled, 0]
    means = sums[filled, 1] / count
    bits = (np.arange(_CELLS)[filled, None] >> np.arange(n_parts)) & 1
    design = np.column_stack([np.ones(len(count)), bits])
    root = np.sqrt(count)
    fit = design @ np.linalg.lstsq(design * root[:, None], means * root, rcond=None)[0]
    second, fourth = _about(sums[filled], fit)  # of residuals, whose mean is 0
    n = count.sum()
    left = second / n
    whole = sums[:, 2].sum() / n - (sums[:, 1].sum() / n) ** 2
    if left <= 0 or whole <= 0:
        return Explained(1.0 if whole > 0 else 0.0, float("nan"))
    return Explained(float(1 - left / whole), float(fourth / n / left**2))


def _about(sums: F64, centre: F64) -> tuple[float, float]:
    """Sums of (z − centre)² and (z − centre)⁴ over all cells."""
    s0, s1, s2, s3, s4 = sums.T
    c = centre
    return (
        float((s2 - 2 * c * s1 + c**2 * s0).sum()),
        float((s4 - 4 * c * s3 + 6 * c**2 * s2 - 4 * c**3 * s1 + c**4 * s0).sum()),
    )


@compiled(parallel=True)
def cell_sums(z: F32, parts: I64, indptr: I64, rows: npt.NDArray[np.int32]) -> F64:
    """Return [B, 8, 5]: count and power sums of z in each cell that the parts cut out.

    Cell i holds the tokens that are in part p exactly where bit p of i is set.

    Args:
        z: [B, n] standardised logit weights.
        parts: [B, 3] set numbers, −1 for none.
        indptr: [S + 1] where each set begins in `rows`.
        rows: [memberships] the rows of z that each set holds.
    """
    n = z.shape[1]
    sums = np.zeros((z.shape[0], _CELLS, _N_SUMS))
    for b in numba.prange(z.shape[0]):
        cell = np.zeros(n, np.uint8)
        for p in range(parts.shape[1]):
            if parts[b, p] >= 0:
                for at in range(indptr[parts[b, p]], indptr[parts[b, p] + 1]):
                    cell[rows[at]] |= 1 << p
        for row in range(n):
            value = np.float64(z[b, row])
            square = value * value
            of = sums[b, cell[row]]
            of[0] += 1
            of[1] += value
            of[2] += square
            of[3] += square * value
            of[4] += square * square
    return sums


@compiled()
def count_members(
    outermost: npt.NDArray[np.int32], feature: I64, token_set: I64, indptr: I64,
    ids: npt.NDArray[np.int32],
) -> I64:  # fmt: skip
    """Return how many of a feature's outermost tokens are in a set, of each pair [P].

    Args:
        outermost: [F, k] token ids.
        feature: [P] which row of it.
        token_set: [P] which set.
        indptr: [S + 1] where each set begins in `ids`.
        ids: [memberships] token ids, ascending in each set.
    """
    counts = np.zeros(len(feature), np.int64)
    for pair in range(len(feature)):
        members = ids[indptr[token_set[pair]] : indptr[token_set[pair] + 1]]
        for token in outermost[feature[pair]]:
            at = np.searchsorted(members, token)
            counts[pair] += at < len(members) and members[at] == token
    return counts


def coverage(ids: npt.NDArray[np.int32], members: list[npt.NDArray[np.int32]]) -> float:
    """Return the share of some tokens that are in at least one of the sets.

    Args:
        ids: [k] token ids.
        members: the ids of each set, ascending.
    """
    found = np.zeros(len(ids), bool)
    for of in members:
        found |= of[np.minimum(np.searchsorted(of, ids), len(of) - 1)] == ids
    return float(found.mean())
