"""Features that write what a given one writes: the nearest by logit weights."""

from __future__ import annotations

import numpy as np
import torch

from unembed.errors import QueryError
from unembed.products import product
from unembed.questions.feature import feature_row
from unembed.questions.search.scored import Scored, Searched
from unembed.questions.search.shift import shift_of
from unembed.questions.weights import weights_of


def by_likeness(searched: Searched, address: str) -> Scored:
    """Return `cosine`: the correlation of every feature's logit weights with those of a given one.

    1 for a feature that writes the same, −1 for the opposite, near 0 for most. The feature itself
    has no score.

    Args:
        searched: any run.
        address: `bank/index`; the bank need not be among those searched.

    Raises:
        QueryError: when the run has no such feature, or it writes nothing.
        SourceError: when the run's weights cannot be had.
    """
    feature = feature_row(searched.run, address)
    if feature["std"] == 0:
        raise QueryError(
            f"{address} writes nothing (its decoder row is zero, or no token's row sees it), so "
            "that no feature is like it."
        )
    weights = weights_of(searched.run)
    bank = weights.bank(feature["bank"])
    given = bank.W_dec[bank.position(feature["index"])].double()
    seen = product(weights.unembedding.covariance, given)
    towards = (seen / torch.sqrt(product(given, seen))).numpy()
    cosine = np.concatenate([shift_of(searched, name, towards) for name in searched.banks])
    itself = searched.features["row"] == searched.run.row_of(address)
    cosine[itself.to_numpy()] = np.nan
    return Scored({"cosine": cosine})
