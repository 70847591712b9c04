"""One feature and one token set, read from the weights alone."""

from __future__ import annotations

from unembed.enrichment.edge import LeadingEdge, edge_of
from unembed.enrichment.effects import rows_of
from unembed.features import Features, check_width, held_against
from unembed.sweep.settings import Weight
from unembed.sweep.standardised import read_one
from unembed.tokensets import TokenSets
from unembed.unembedding import Unembedding


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
    unembedding = held_against(features, unembedding)
    check_width(features, unembedding)
    at = features.position(index)
    chosen = token_sets.select([name])
    feature = read_one(features.W_dec[at], unembedding)
    rows = rows_of(chosen, unembedding)
    return edge_of(feature, rows, unembedding.token_ids, weight, unembedding.ties)
