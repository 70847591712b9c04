"""A run by bank, in order of depth: how its features spread, and of which classes they are.

Every frame has the banks in the order of `by_depth`: banks of one kind one after the other, from
the first layer to the last.
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from unembed.errors import QueryError
from unembed.explanation import CLASSES
from unembed.store.run import Run

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SPREAD = ("std", "skewness", "kurtosis")


def by_depth(run: Run) -> pl.DataFrame:
    """Return one row a bank, in order of depth: bank, kind, layer.

    The kind is the bank's name without its layer: `mlp` for `mlp.26`, `sae.width_16k` for
    `sae.8.width_16k`. Kinds come as they do in the run, the layers of each in ascending order;
    banks whose layer is not known stand as in the run, after those of their kind.
    """
    banks = [
        {"bank": bank["name"], "kind": kind_of(bank), "layer": bank["layer"]}
        for bank in run.manifest["banks"]
    ]
    kinds = list(dict.fromkeys(bank["kind"] for bank in banks))
    unknown = [bank["layer"] is None for bank in banks]
    order = sorted(
        range(len(banks)),
        key=lambda at: (kinds.index(banks[at]["kind"]), unknown[at], banks[at]["layer"] or 0),
    )
    schema = {"bank": pl.String(), "kind": pl.String(), "layer": pl.Int64()}
    return pl.DataFrame([banks[at] for at in order], schema=schema)


def kind_of(bank: dict[str, Any]) -> str:
    """Return a bank's name without its layer.

    >>> kind_of({"name": "sae.8.width_16k", "layer": 8}), kind_of({"name": "clt.5→9", "layer": 9})
    ('sae.width_16k', 'clt.5')

    Args:
        bank: one of `manifest["banks"]`.
    """
    name: str = bank["name"]
    layer = re.escape(str(bank["layer"]))
    before = "→" if "→" in name else r"\."  # that after the arrow is the one it writes to
    return re.sub(rf"{before}{layer}(?=\.|$)", "", name, count=1)


def spread_by_bank(run: Run) -> pl.DataFrame:
    """Return one row a bank: percentiles of std, skewness and kurtosis over its features.

    Columns: bank, kind, layer, features, flat (that write nothing); for each statistic
    `std_p1` … `std_p99` (the percentiles 1, 5, 25, 50, 75, 95, 99), `std_min` and `std_max`. Flat
    features are in none of the percentiles, which are null in a bank of nothing else.
    """
    drawn = [
        expression
        for name in SPREAD
        for expression in (
            *(_shaped(name).quantile(p / 100, "linear").alias(f"{name}_p{p}") for p in PERCENTILES),
            _shaped(name).min().alias(f"{name}_min"),
            _shaped(name).max().alias(f"{name}_max"),
        )
    ]
    spread = run.scalars.group_by("bank").agg(
        pl.len().cast(pl.Int64).alias("features"),
        pl.col("skewness").is_null().sum().cast(pl.Int64).alias("flat"),
        *drawn,
    )
    return by_depth(run).join(spread, on="bank", how="left", maintain_order="left")


def _shaped(name: str) -> pl.Expr:
    return pl.col(name).filter(pl.col("skewness").is_not_null())


def classes_by_bank(run: Run) -> pl.DataFrame:
    """Return one row a bank and class: bank, kind, layer, class, features, share of the bank.

    Every class has a row in every bank, in the order of `unembed.explanation.CLASSES`.

    Raises:
        QueryError: when the run's features have no classes.
    """
    classes = run.scalars.select("bank", "class")
    if classes["class"].is_null().all():
        raise QueryError(
            f"The features of {run.path} have no classes: it was made without token sets, or by "
            "an earlier version. Make the run again: `unembed run … --sets default`."
        )
    counted = classes.group_by("bank", "class").agg(pl.len().cast(pl.Int64).alias("features"))
    every = pl.DataFrame({"class": CLASSES})
    return (
        by_depth(run)
        .join(every, how="cross", maintain_order="left")
        .join(counted, on=["bank", "class"], how="left", maintain_order="left")
        .with_columns(pl.col("features").fill_null(0))
        .with_columns(share=pl.col("features") / pl.col("features").sum().over("bank"))
    )
