"""Random token sets that are as frequent as a given one, token by token.

Adding anything to the stream moves frequent tokens otherwise than rare ones, so that a set is held
against sets of the same frequencies. A token's frequency is here its mean probability behind the
very prompts, in the model that is not steered: what is measured is a probability there, and any
tokenizer has it. (A token's id, its rank among the merges, says how frequent it was in the text the
tokenizer was made from, where it says that at all.)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_NARROWEST = 16
_WIDER = 1.25
"""A stratum has 16 tokens, or as many as make its last rank 1.25 times its first."""


def strata(frequencies: npt.NDArray[np.floating]) -> Ints:
    """Return [n] the stratum of each token: 0 has the most frequent ones.

    >>> strata(np.array([0.1, 0.7, 0.2]))
    array([0, 0, 0])

    Args:
        frequencies: [n], any that rank the tokens; ties go by place.
    """
    ranks = np.argsort(np.argsort(-frequencies, kind="stable"), kind="stable")
    edges = [_NARROWEST]
    while edges[-1] < len(frequencies):
        edges.append(max(edges[-1] + _NARROWEST, int(edges[-1] * _WIDER)))
    return np.searchsorted(edges, ranks, side="right")


def matched_sets(
    members: Ints, strata_of: Ints, count: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return [count, members] random sets with as many tokens of each stratum as a set has.

    They are drawn from the tokens outside the set; in strata of which it holds more than half,
    where there are not so many, from all.

    Args:
        members: of the set, places among the n tokens.
        strata_of: [n] as `strata` returns them.
        count: of sets.
        random: what draws.
    """
    inside = np.zeros(len(strata_of), bool)
    inside[members] = True
    parts = []
    for stratum, wanted in zip(*np.unique(strata_of[members], return_counts=True), strict=True):
        here = np.flatnonzero(strata_of == stratum)
        outside = here[~inside[here]]
        pool = outside if len(outside) >= wanted else here
        parts.append(_draws(pool, int(wanted), count, random))
    return np.concatenate(parts, axis=1)


def _draws(pool: Ints, wanted: int, count: int, random: np.random.Generator) -> Ints:
    """Return [count, wanted] tokens of a pool, each row without repeats."""
    rows = [random.choice(pool, wanted, replace=False) for _ in range(count)]
    return np.stack(rows)
