"""Features that promote or suppress a token set: the direction test that the run kept."""

from __future__ import annotations

import numpy as np
import polars as pl

from unembed.addresses import ADDRESS
from unembed.search.scored import Scored, Searched
from unembed.search.sets import set_named


def by_token_set(searched: Searched, name: str) -> Scored:
    """Return `set_z`, `set_log10_p` and `set_log10_q`: positive promotes the set.

    The false discovery rate is that of the run: each bank's, over all of its pairs.

    Args:
        searched: a run with token sets.
        name: a set's name or alias.

    Raises:
        QueryError: when the run has no such set, or none at all.
    """
    only = searched.banks[0] if len(searched.banks) == 1 else None
    found = searched.run.enrichment(token_set=set_named(searched.run, name), bank=only)
    features = searched.features.select(ADDRESS.alias("feature"), "std")
    joined = features.join(found, on="feature", how="left", maintain_order="left")
    flat = joined["std"].to_numpy() == 0
    columns = {
        f"set_{column}": np.where(flat, np.nan, joined[column].cast(pl.Float64).to_numpy())
        for column in ("z", "log10_p", "log10_q")
    }
    return Scored(columns, z="set_z", log10_q="set_log10_q", both_ways=True)
