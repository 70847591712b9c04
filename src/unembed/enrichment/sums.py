"""Sums of the rows of W_U that token sets hold: compiled, and on all cores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.compiled import compiled
from unembed.workers import over_rows

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_PIECE = 4096
_AT_ONCE = 32
"""Pieces that a thread takes at a time."""


def set_sums(
    W_U: npt.NDArray[np.float32], indptr: I64, rows: npt.NDArray[np.int32]
) -> Float[np.ndarray, "sets d_model"]:
    """Return the sum of each set's rows in float64; large sets in pieces, so that threads share.

    Args:
        W_U: [n, d_model] float32.
        indptr: [S + 1] where each set begins in `rows`.
        rows: [memberships] the rows of W_U that each set holds.
    """
    counts = np.diff(indptr)
    pieces = -(-counts // _PIECE)
    owner = np.repeat(np.arange(len(counts)), pieces)
    first = np.concatenate([[0], np.cumsum(pieces)])[:-1]
    start = indptr[owner] + (np.arange(len(owner)) - first[owner]) * _PIECE
    stop = np.minimum(start + _PIECE, indptr[owner + 1])
    sums = np.zeros((len(counts), W_U.shape[1]))
    batch = max(1, 2**27 // (8 * W_U.shape[1]))
    for at in range(0, len(owner), batch):
        part = slice(at, at + batch)
        pieces_of = np.zeros((len(owner[part]), W_U.shape[1]))
        over_rows(
            _piece_sums, len(pieces_of), _AT_ONCE, W_U, start[part], stop[part], rows, pieces_of
        )
        _add(pieces_of, owner[part], sums)
    return sums


@compiled()
def _piece_sums(
    first: int, last: int, W_U: npt.NDArray[np.float32], start: I64, stop: I64,
    rows: npt.NDArray[np.int32], sums: F64,
) -> None:  # fmt: skip
    for piece in range(first, last):
        total = sums[piece]
        for at in range(start[piece], stop[piece]):
            row = W_U[rows[at]]
            for i in range(row.shape[0]):
                total[i] += row[i]


@compiled()
def _add(pieces: F64, owner: I64, sums: F64) -> None:
    for piece in range(len(owner)):
        total = sums[owner[piece]]
        for i in range(len(total)):
            total[i] += pieces[piece, i]
