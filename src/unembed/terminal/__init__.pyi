from . import (
    check,
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
    "check",
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
