"""What a finished run does not keep, read again from the weights that it was made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.enrichment.edge import LeadingEdge
from unembed.enrichment.one_pair import leading_edge
from unembed.enrichment.running_sum import RunningSum, running_sum
from unembed.errors import QueryError
from unembed.live import weights_of
from unembed.store import Run
from unembed.tokensets.frame import from_frame


class LogitWeights(NamedTuple):
    """One feature's logit weights.

    Attributes:
        ids: [n] token ids, ascending: all that are not masked.
        weights: [n] float32, what one unit of the feature adds to the token's logit.
    """

    ids: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


def logit_weights_of(run: Run, feature: str) -> LogitWeights:
    """Return the logit weights of one feature over all n tokens.

    Weights are read again as for `leading_edge_of`, once for any number of calls.

    Args:
        run: any.
        feature: `bank/index`.

    Raises:
        QueryError: when the run has no such feature.
        SourceError: when its sources are not there any more, or changed.
    """
    z, std, mean, ids = _read(run, feature)
    return LogitWeights(ids, (z * std + mean).astype(np.float32))


def running_sum_of(run: Run, feature: str, token_set: str) -> RunningSum:
    """Return the running sum whose peak is the enrichment score of a feature and token set.

    Args:
        run: with token sets.
        feature: `bank/index`.
        token_set: a set's name or alias.

    Raises:
        QueryError: when the run has no such feature or set, or the feature writes nothing.
        SourceError: when its sources are not there any more, or changed.
    """
    name = run.enrichment(feature, token_set=token_set)["token_set"][0]
    members = run.token_sets.row(by_predicate=pl.col("name") == name, named=True)["ids"]
    z, std, _, ids = _read(run, feature)
    if std == 0:
        raise QueryError(f"{feature} writes nothing (its decoder row is zero): it ranks no tokens.")
    rows = np.searchsorted(ids, members)
    return running_sum(z, rows, run.manifest["enrichment"].get("weight", "none"))


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
    weights = weights_of(run)
    unembedding = weights.unembedding
    return leading_edge(
        weights.bank(row["bank"]),
        row["index"],
        unembedding,
        from_frame(token_sets, unembedding.vocabulary),
        token_set,
        weight=run.manifest["enrichment"].get("weight", "none"),
    )


def _read(
    run: Run, feature: str
) -> tuple[npt.NDArray[np.float32], float, float, npt.NDArray[np.int64]]:
    """Return a feature's z-scores over the rows of W_U, their std and mean, and the rows' ids."""
    row = run.feature(feature)
    weights = weights_of(run)
    sweep, bank = weights.sweep, weights.bank(row["bank"])
    tile = next(sweep.tiles(bank.W_dec[bank.indices == row["index"]]))
    std, mean = float(tile.features.std[0]), float(tile.mean[0])
    return tile.z[0].numpy().copy(), std, mean, sweep.unembedding.token_ids
