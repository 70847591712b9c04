"""Whether the labels of matched features say the same, and whether they would by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from unembed.matching.pairs import Alike

Named = frozenset[tuple[str, int]]
"""The token sets that a feature's label names, each with its sign."""
Labels = Mapping[int, Named]
"""The same of labelled features, by position."""
_SHUFFLES = 20


def same_labels(
    ours: Labels | None, theirs: Labels | None, partner: npt.NDArray[np.int64]
) -> list[bool | None]:
    """Return of each feature whether its label and its partner's name a set in common, alike.

    None where either names no set.

    Args:
        ours: of one bank, None where it has no labels.
        theirs: of the other.
        partner: [A] of each feature of the one; −1 where there is none.
    """
    if ours is None or theirs is None:
        return [None] * len(partner)
    return [
        bool(ours[at] & theirs[other]) if at in ours and other in theirs else None
        for at, other in enumerate(partner.tolist())
    ]


def agreement(
    ours: Labels | None, theirs: Labels | None, pairs: Alike, seed: int
) -> dict[str, Any]:
    """Return how many pairs are labelled on both sides, and the share whose labels agree.

    Beside it the share that agrees where every feature has the partner of another one, on average
    over shuffles that leave none its own; None of a single pair.

    Args:
        ours: of the first bank.
        theirs: of the second.
        pairs: one-to-one.
        seed: decides the shuffles.
    """
    if ours is None or theirs is None:
        return {"labelled": None, "same_label": None, "same_label_shuffled": None}
    both = [
        (ours[at], theirs[other])
        for at, other in zip(pairs.ours.tolist(), pairs.theirs.tolist(), strict=True)
        if at in ours and other in theirs
    ]
    if not both:
        return {"labelled": 0, "same_label": None, "same_label_shuffled": None}
    one, other = (list(side) for side in zip(*both, strict=True))
    return {
        "labelled": len(both),
        "same_label": _share(one, other),
        "same_label_shuffled": _shuffled(one, other, seed),
    }


def _shuffled(one: Sequence[Named], other: Sequence[Named], seed: int) -> float | None:
    """Return the share that agrees where none has its own partner."""
    count = len(one)
    if count < 2:
        return None
    random, shares = np.random.default_rng(seed), []
    for step in random.integers(1, count, _SHUFFLES).tolist():
        order = random.permutation(count).tolist()
        shares.append(
            _share(
                [one[at] for at in order],
                [other[order[(place + step) % count]] for place in range(count)],
            )
        )
    return float(np.mean(shares))


def _share(one: Sequence[Named], other: Sequence[Named]) -> float:
    return float(np.mean([bool(a & b) for a, b in zip(one, other, strict=True)]))
