from . import (
    enrichment,
    explanation,
    feature,
    features,
    layers,
    leading_edge,
    matches,
    saes,
    search,
    summary,
    token_sets,
)

__all__ = [
    "enrichment",
    "explanation",
    "feature",
    "features",
    "layers",
    "leading_edge",
    "matches",
    "saes",
    "search",
    "summary",
    "token_sets",
]
