"""The leading edge: which members of a token set make its enrichment score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.enrichment.running_sum import running_sum
from unembed.sweep.settings import Weight
from unembed.sweep.statistics import OneFeature
from unembed.ties import NO_TIES, Ties


class LeadingEdge(NamedTuple):
    """The members of a set that carry its enrichment in one feature's ranking.

    For a promoted set (ES > 0) those at or before the running sum's peak, for a suppressed one
    those after it, in order of rank: the strongest first, or last.

    Attributes:
        ids: [L] token ids.
        ranks: [L] their places in the ranking of all tokens, from 1.
        weights: [L] their logit weights.
        es: the enrichment score.
        peak: after how many tokens the running sum is at ES.
        size: the members of the set, L of which are here.
    """

    ids: npt.NDArray[np.int64]
    ranks: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    es: float
    peak: int
    size: int


def edge_of(
    feature: OneFeature,
    rows: npt.NDArray[np.integer],
    token_ids: npt.NDArray[np.int64],
    weight: Weight = "none",
    ties: Ties = NO_TIES,
) -> LeadingEdge:
    """Return the leading edge of a token set in one feature's logit weights.

    A flat feature, and a set of no or of all tokens, have none.

    Args:
        feature: over the n rows of W_U.
        rows: [m] the members of the set, as places in it.
        token_ids: [n] the id of each row.
        weight: as ES was read with.
        ties: which rows are identical.
    """
    n, m = len(feature.z), len(rows)
    if feature.std == 0 or not 0 < m < n:
        nothing = np.empty(0, np.int64)
        return LeadingEdge(nothing, nothing, np.empty(0, np.float32), 0.0, 0, m)
    found = running_sum(feature.z, rows, weight, ties)
    inside = found.in_leading_edge
    edge = found.rows[inside]
    weights = feature.weights[edge]
    return LeadingEdge(token_ids[edge], found.ranks[inside], weights, found.es, found.peak, m)
