"""The members of token sets, for kernels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unembed.compiled import compiled

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@compiled()
def members_of(number: int, indptr: I64, rows: I32) -> I32:
    """Return the members of a set, none for −1."""
    return rows[indptr[number] : indptr[number + 1]] if number >= 0 else rows[:0]


@compiled()
def holds(members: I32, token: int) -> bool:
    """Return whether a token is among some that ascend."""
    at = np.searchsorted(members, token)
    return bool(at < len(members) and members[at] == token)


@compiled()
def within(token_set: I64, other: I64, indptr: I64, rows: I32) -> npt.NDArray[np.bool_]:
    """Return whether every member of sets [P] is one of other sets [P].

    Args:
        token_set: which sets.
        other: likewise.
        indptr: [S + 1] where each set begins in `rows`.
        rows: [memberships] ascending in each set.
    """
    found = np.ones(len(token_set), np.bool_)
    for pair in range(len(token_set)):
        whole = members_of(other[pair], indptr, rows)
        for row in members_of(token_set[pair], indptr, rows):
            if not holds(whole, row):
                found[pair] = False
                break
    return found
