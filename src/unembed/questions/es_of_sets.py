"""Enrichment scores of some token sets in every feature: a run keeps those of few pairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import polars as pl

from unembed.questions.pairs import list_pairs
from unembed.questions.weights import weights_of
from unembed.store.tables import RunTables
from unembed.sweep import Membership, Sweep
from unembed.unembedding import Unembedding

_PAIR = ("feature", "token_set")


def es_of_sets(
    run: RunTables, token_sets: Sequence[str], *, bank: str | Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the pairs of every feature with some token sets, each with its enrichment score.

    Where a run has it of all of these pairs (`--tsea all`) it is read from there; else from the
    weights that the run was made of, all features in one sweep. Null for features that write
    nothing.

    Args:
        run: with token sets.
        token_sets: names or aliases; each once, whatever it is called.
        bank: one or more banks; all unless given.

    Returns:
        feature, bank, index, token_set, family, size, z, log10_p, log10_q and es, one set after
        the other, features in the order of the run.

    Raises:
        QueryError: when the run has no such set or bank.
        SourceError: when its sources are not there any more, or changed.
    """
    names = list(dict.fromkeys(run.sets.info(name)["name"] for name in token_sets))
    columns = [*_PAIR[:1], "bank", "index", *_PAIR[1:], "family", "size"]
    scores = ["z", "log10_p", "log10_q", "es"]
    banks = run.banks_named(bank)
    order = run.scalars.select("feature", "skewness").with_row_index("_at")
    found = pl.concat(
        list_pairs(run, token_set=name, bank=banks)
        .select(*columns, *scores)
        .join(order, on="feature", how="left")
        .sort("_at")
        for name in names
    )
    lacking = found.filter(pl.col("es").is_null() & pl.col("skewness").is_not_null())
    if lacking.height:
        read = _read(run, names, banks)
        found = found.join(read, on=_PAIR, how="left", maintain_order="left")
        found = found.with_columns(pl.coalesce("es", "es_read").alias("es"))
    writes = pl.col("skewness").is_not_null()
    return found.select(*columns, *scores[:-1], pl.when(writes).then("es"))


def _read(run: RunTables, names: Sequence[str], banks: Sequence[str]) -> pl.DataFrame:
    """Return feature, token_set, es_read: of all features of some banks, by a sweep."""
    weights = weights_of(run)
    prepared = cache(lambda of: (Sweep(of), _membership(run, names, of)))
    parts = []
    for bank in banks:
        sweep, sets = prepared(weights.against(bank))
        tiles = sweep.tiles(weights.bank(bank).W_dec)
        es = np.concatenate([sweep.tsea(tile, sets, run.tested.weight).es for tile in tiles])
        addresses = run.scalars.filter(bank=bank)["feature"]
        parts += [
            pl.DataFrame({"feature": addresses, "es_read": es[:, at].astype(np.float32)})
            .with_columns(token_set=pl.lit(name))
            for at, name in enumerate(names)
        ]  # fmt: skip
    return pl.concat(parts)


def _membership(run: RunTables, names: Sequence[str], unembedding: Unembedding) -> Membership:
    rows = [
        np.searchsorted(unembedding.token_ids, run.sets.info(name)["ids"]).astype(np.int32)
        for name in names
    ]
    ends = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return Membership(unembedding.n_tokens, ends, np.concatenate(rows), unembedding.ties)
