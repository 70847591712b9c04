"""Features that promote or suppress a token set: the direction test that the run kept."""

from __future__ import annotations

import numpy as np
import polars as pl

from unembed.questions.pairs import list_pairs
from unembed.questions.search.scored import Scored, Searched


def by_token_set(searched: Searched, name: str) -> Scored:
    """Return `set_z`, `set_log10_p` and `set_log10_q`: positive promotes the set.

    The false discovery rate is that of the run: each bank's, over all of its pairs.

    Args:
        searched: a run with token sets.
        name: a set's name or alias.

    Raises:
        QueryError: when the run has no such set, or none at all.
    """
    found = list_pairs(searched.run, token_set=name, bank=searched.banks)
    features = searched.features.select("bank", "index", "std")
    joined = features.join(found, on=["bank", "index"], how="left", maintain_order="left")
    flat = joined["std"].to_numpy() == 0
    columns = {
        f"set_{column}": np.where(flat, np.nan, joined[column].cast(pl.Float64).to_numpy())
        for column in ("z", "log10_p", "log10_q")
    }
    return Scored(columns, z="set_z", log10_q="set_log10_q", both_ways=True)
