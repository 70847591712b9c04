"""The leading edge: which members of a token set make its enrichment score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from unembed.enrichment.effects import rows_of
from unembed.errors import QueryError
from unembed.features import Features, check_width
from unembed.sweep import Membership, Sweep, SweepSettings, Weight
from unembed.tokensets import TokenSets
from unembed.unembedding import Unembedding


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


def leading_edge(
    features: Features,
    index: int,
    unembedding: Unembedding,
    token_sets: TokenSets,
    name: str,
    *,
    weight: Weight = "none",
) -> LeadingEdge:
    """Return the leading edge of one pair (Subramanian et al. 2005).

    Args:
        features: a bank.
        index: the feature's index in it.
        unembedding: of the model.
        token_sets: holds the set.
        name: of the set.
        weight: as ES was read with.

    Raises:
        QueryError: when the bank has no such feature.
        TokenSetError: when there is no such set.
    """
    check_width(features, unembedding)
    at = np.flatnonzero(features.indices == index)
    if not len(at):
        raise QueryError(
            f"{features.name} has no feature {index}: its {len(features):,} indices are "
            f"{features.indices.min()} to {features.indices.max()}."
        )
    chosen = token_sets.select([name])
    rows = rows_of(chosen, unembedding)
    sweep = Sweep(unembedding, SweepSettings(tile=1))
    tile = next(sweep.tiles(features.W_dec[at]))
    membership = Membership(unembedding.n_tokens, chosen.indptr, rows)
    found = sweep.enrichment(tile, membership, weight)
    es, peak = float(found.es[0, 0]), int(found.peak[0, 0])
    order = torch.sort(tile.z[0], descending=True, stable=True).indices.numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    inside = rank[rows] <= peak if es > 0 else rank[rows] > peak
    if es == 0:
        inside[:] = False
    edge = rows[inside][np.argsort(rank[rows[inside]])]
    std, mean = tile.features.std[0], tile.mean[0]
    weights = (tile.z[0].numpy()[edge] * std + mean).astype(np.float32)
    return LeadingEdge(unembedding.token_ids[edge], rank[edge], weights, es, peak, len(rows))
