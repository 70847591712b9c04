"""Why significant sets are not named."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.explanation.candidates import Candidates
from unembed.explanation.pursuit import Pursuit

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Rejected(NamedTuple):
    """Significant sets that are not named, the strongest of each feature first.

    Attributes:
        candidate: [R] positions among the candidates, feature after feature.
        reason: [R] why: a `Reason` each.
        by: [R] the position of the named set most like it; where none is named, of the feature's
            first candidate.
        z: [R] what is left of its z given the named sets.
    """

    candidate: I64
    reason: npt.NDArray[np.str_]
    by: I64
    z: F64


def rejected(found: Candidates, pursuit: Pursuit, limit: int) -> Rejected:
    """Return the strongest candidates of each feature that are not named, with the reason.

    Args:
        found: the candidates.
        pursuit: that has settled.
        limit: how many of a feature.
    """
    chosen = pursuit.chosen
    others = _strongest(found, chosen.places, limit)
    feature = found.feature[others]
    z, along = chosen.left_of(others), np.abs(chosen.along[others])
    alike, thin = chosen.alike(others), pursuit.tell(others)[0]
    out = pursuit.out[others]
    in_question = ~(found.unfit[others] | alike) & (z * found.z[others] > 0)
    in_question &= out | thin | pursuit.ended(feature)  # else it would be chosen
    stands = np.zeros(len(others), bool)
    stands[in_question] = chosen.stands(others[in_question], z[in_question])
    reasons = {
        "chance": found.chance[others],
        "slight": found.slight[others],
        "near-duplicate": alike,
        "rival": stands & out,
        "covered": stands & thin,
        "beyond the parts": stands,
    }
    reason = np.select([*reasons.values()], [*reasons], "explained")
    by = chosen.places[feature, along.argmax(1)]
    first = np.searchsorted(found.feature, feature)
    return Rejected(others, reason, np.where(by < 0, first, by), z)


def _strongest(found: Candidates, places: I64, limit: int) -> I64:
    """Return the candidates of each feature that are not named, the strongest first."""
    named = np.zeros(len(found.z), bool)
    named[places[places >= 0]] = True
    others = np.lexsort((-np.abs(found.z), found.feature))
    others = others[~named[others]]
    feature = found.feature[others]
    rank = np.arange(len(others)) - np.searchsorted(feature, feature)
    return others[rank < limit]
