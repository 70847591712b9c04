"""Features that write what a given one writes: the nearest by logit weights."""

from __future__ import annotations

import numpy as np
import polars as pl
import torch

from unembed.errors import QueryError
from unembed.products import product
from unembed.questions.features import described
from unembed.questions.lenses import same_but_for_lens
from unembed.questions.search.scored import Scored, Searched
from unembed.questions.search.shift import shift_of
from unembed.questions.weights import weights_of


def by_likeness(searched: Searched, address: str) -> Scored:
    """Return `cosine`: the correlation of every feature's logit weights with those of a given one.

    1 for a feature that writes the same, −1 for the opposite, near 0 for most. The feature itself
    has no score, through whatever lens of the run, nor has what features read beside one that
    writes, or the other way round.

    Args:
        searched: any run.
        address: `bank/index`; the bank need not be among those searched.

    Raises:
        QueryError: when the run has no such feature, or it writes nothing.
        SourceError: when the run's weights cannot be had.
    """
    row = searched.run.row_of(address)
    if searched.run.scalars["std"][row] == 0:
        raise QueryError(
            f"{address} writes nothing (its decoder row is zero, or no token's row sees it), so "
            "that no feature is like it."
        )
    weights = weights_of(searched.run)
    bank, position = searched.run.place_of(row)
    given = weights.bank(bank).W_dec[position].double()
    against = weights.against(bank)
    seen = product(against.covariance, given)
    towards = (seen / torch.sqrt(product(given, seen))).numpy()
    cosine = np.concatenate(
        [
            shift_of(searched, name, towards)
            if weights.against(name) is against
            else np.full(searched.of_bank(name).height, np.nan)
            for name in searched.banks
        ]
    )
    index, own = searched.run.scalars["index"][row], same_but_for_lens(searched.run, bank)
    itself = searched.features.select(pl.col("bank").is_in(own) & (pl.col("index") == index))
    cosine[itself.to_series().to_numpy()] = np.nan
    return Scored({"cosine": cosine})


def nearest(searched: Searched, address: str, *, limit: int, tokens: int) -> pl.DataFrame:
    """Return the features that are most like a given one, as `find(run, like=address)` does.

    Quicker than `find`, which can combine criteria, and carries all features along for it.

    Args:
        searched: any run.
        address: `bank/index`; it is left out itself, through whatever lens.
        limit: at most so many features.
        tokens: how many top and bottom tokens to give.

    Raises:
        QueryError: when the run has no such feature, or it writes nothing.
        SourceError: when the run's weights cannot be had.
    """
    cosine = by_likeness(searched, address).columns["cosine"]
    first = np.argsort(-cosine, kind="stable")[:limit]  # those without a score last
    first = first[~np.isnan(cosine[first])]
    found = searched.features[first].with_columns(cosine=cosine[first])
    return described(searched.run, found, ["cosine"], tokens=tokens)
