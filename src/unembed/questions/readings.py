"""What a run does not keep of a feature, read again from the weights that it was made of."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.enrichment.edge import LeadingEdge, edge_of
from unembed.enrichment.running_sum import RunningSum, running_sum
from unembed.errors import QueryError
from unembed.questions.pairs import list_pairs
from unembed.questions.weights import weights_of
from unembed.store.tables import RunTables
from unembed.sweep.standardised import read_one
from unembed.sweep.statistics import OneFeature
from unembed.unembedding import Unembedding


class LogitWeights(NamedTuple):
    """One feature's logit weights.

    Attributes:
        ids: [n] token ids, ascending: all that are not masked.
        weights: [n] float32, what one unit of the feature adds to the token's logit.
    """

    ids: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


def logit_weights(run: RunTables, feature: str) -> LogitWeights:
    """Return the logit weights of one feature over all n tokens.

    The model's unembedding and the feature's bank are read again from where the run says they
    came from, once for any number of calls, and must be what they were.

    Args:
        run: any.
        feature: `bank/index`.

    Raises:
        QueryError: when the run has no such feature.
        SourceError: when its sources are not there any more, or changed.
    """
    return LogitWeights(_against(run, feature).token_ids, _read(run, feature).weights)


def running_sum_of(run: RunTables, feature: str, token_set: str) -> RunningSum:
    """Return the running sum whose peak is the enrichment score of a feature and token set.

    Args:
        run: with token sets; its weights are read again as for `logit_weights`.
        feature: `bank/index`.
        token_set: a set's name or alias.

    Raises:
        QueryError: when the run has no such feature or set, or the feature writes nothing.
        SourceError: when its sources are not there any more, or changed.
    """
    read = _read(run, feature)
    if read.std == 0:
        raise QueryError(f"{feature} writes nothing (its decoder row is zero): it ranks no tokens.")
    return _curve(run, feature, read, _rows(run, token_set))


def leading_edge(run: RunTables, feature: str, token_set: str) -> LeadingEdge:
    """Return the leading edge of any feature and token set of a run.

    Args:
        run: with token sets; its weights are read again as for `logit_weights`.
        feature: `bank/index`.
        token_set: a set's name or alias.

    Raises:
        QueryError: when the run has no such feature or set.
        SourceError: when its sources are not there any more, or changed.
    """
    rows = _rows(run, token_set)
    return _edge(run, feature, _read(run, feature), rows)


def leading_edge_facts(run: RunTables, feature: str, token_set: str) -> dict[str, Any]:
    """Return what `unembed leading-edge --json` prints.

    Raises:
        QueryError, SourceError: as `leading_edge` does.
    """
    edge = leading_edge(run, feature, token_set)
    scores = list_pairs(run, feature, token_set=token_set).row(0, named=True)
    kept = ("feature", "bank", "index", "token_set", "size", "z", "log10_q")
    return {**{name: scores[name] for name in kept}, **edge_facts(run, edge)}


def first_part(run: RunTables, facts: dict[str, Any]) -> tuple[dict[str, Any], RunningSum]:
    """Return the leading edge and the running sum of the first token set that a label names.

    Args:
        run: with token sets; its weights are read again as for `logit_weights`.
        facts: as `explanation_facts` returns them.

    Returns:
        es, peak, size and the tokens of the edge, the outermost first; the running sum.

    Raises:
        SourceError: when its sources are not there any more, or changed.
    """
    rows = _rows(run, facts["parts"][0]["token_set"])
    read = _read(run, facts["feature"])
    edge = _edge(run, facts["feature"], read, rows)
    tokens = [member["token"] for member in edge_facts(run, edge)["leading_edge"]]
    shown = {"es": edge.es, "peak": edge.peak, "size": edge.size, "tokens": tokens}
    return shown, _curve(run, facts["feature"], read, rows)


def edge_facts(run: RunTables, edge: LeadingEdge) -> dict[str, Any]:
    """Return a leading edge with the texts of its tokens, the outermost first."""
    texts = run.tokens["text"]
    members = [
        {"id": int(id_), "token": texts[int(id_)], "rank": int(rank), "weight": float(weight)}
        for id_, rank, weight in zip(edge.ids, edge.ranks, edge.weights, strict=True)
    ]
    return {
        "es": edge.es,
        "peak": edge.peak,
        "leading_edge": members if edge.es > 0 else members[::-1],
    }


def _edge(
    run: RunTables, feature: str, read: OneFeature, rows: npt.NDArray[np.int64]
) -> LeadingEdge:
    unembedding = _against(run, feature)
    return edge_of(read, rows, unembedding.token_ids, run.tested.weight, unembedding.ties)


def _curve(
    run: RunTables, feature: str, read: OneFeature, rows: npt.NDArray[np.int64]
) -> RunningSum:
    return running_sum(read.z, rows, run.tested.weight, _against(run, feature).ties)


def _against(run: RunTables, feature: str) -> Unembedding:
    """Return the unembedding, or the embedding, that a feature is held against."""
    return weights_of(run).against(run.place_of(run.row_of(feature))[0])


def _rows(run: RunTables, token_set: str) -> npt.NDArray[np.int64]:
    """Return the places of a set's members among the rows of W_U."""
    token_ids = weights_of(run).unembedding.token_ids
    rows: npt.NDArray[np.int64] = np.searchsorted(token_ids, run.sets.info(token_set)["ids"])
    return rows


def _read(run: RunTables, feature: str) -> OneFeature:
    """Return a feature's logit weights over the rows of what it is held against."""
    bank, position = run.place_of(run.row_of(feature))
    weights = weights_of(run)
    return read_one(weights.bank(bank).W_dec[position], weights.against(bank))
