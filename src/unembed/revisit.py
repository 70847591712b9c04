"""What a finished run does not keep, read again from the weights that it was made of."""

from __future__ import annotations

from unembed.enrichment.leading_edge import LeadingEdge, leading_edge
from unembed.load.reopen import reopen_features, reopen_unembedding
from unembed.store import Run
from unembed.tokensets.frame import from_frame


def leading_edge_of(run: Run, feature: str, token_set: str) -> LeadingEdge:
    """Return the leading edge of any feature and token set of a run.

    The model's unembedding and the feature's bank are read again from where the run says they
    came from, and must be what they were.

    Args:
        run: with token sets.
        feature: `bank/index`.
        token_set: a set's name or alias.

    Raises:
        QueryError: when the run has no such feature or set.
        SourceError: when its sources are not there any more, or changed.
    """
    row = run.feature(feature)
    token_sets = run.token_sets
    facts = next(bank for bank in run.manifest["banks"] if bank["name"] == row["bank"])
    unembedding = reopen_unembedding(run.manifest["unembedding"])
    return leading_edge(
        reopen_features(facts),
        row["index"],
        unembedding,
        from_frame(token_sets, unembedding.vocabulary),
        token_set,
        weight=run.manifest["enrichment"].get("weight", "none"),
    )
