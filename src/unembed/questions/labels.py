"""Which features carry the same label: the same token sets, promoted, suppressed or split alike."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import polars as pl

from unembed.questions.banks import require_classes
from unembed.store.tables import RunTables

_kept: WeakKeyDictionary[RunTables, pl.DataFrame] = WeakKeyDictionary()


def labels(run: RunTables) -> pl.DataFrame:
    """Return one row a labelled feature, in the order of the run.

    Columns: row, its place in the run; bank, index, class; sets, the numbers of the token sets that
    its label names, in the order of numbers; signs, of each 1 for promoted, −1 for suppressed, 0
    for what a partition splits; cores, of each the number of the one that it is a core of; key, the
    same for features of a bank that carry the same label.

    Raises:
        QueryError: when the run's features have no classes.
    """
    if run not in _kept:
        require_classes(run)
        assert run.explanations is not None
        sign = pl.when("splits").then(0).otherwise(pl.col("z").sign().cast(pl.Int8))
        named = (
            run.explanations.parts.with_columns(sign.cast(pl.Int8).alias("sign"))
            .sort("row", "token_set", maintain_order=True)
            .group_by("row", maintain_order=True)
            .agg(sets="token_set", signs="sign", cores="core_of")
        )
        features = run.scalars.select("bank", "index", "class").with_row_index("row")
        features = features.cast({"row": pl.Int64})
        _kept[run] = named.join(features, on="row", how="left", maintain_order="left").select(
            "row", "bank", "index", "class", "sets", "signs", "cores", _key().alias("key")
        )
    return _kept[run]


def _key() -> pl.Expr:
    parts = [pl.col(name).cast(pl.List(pl.String)).list.join(",") for name in ("sets", "signs")]
    return pl.concat_str("bank", *parts, separator=" ")
