"""The banks of a run, in order of depth: how their features spread, and of which classes they are.

Every frame has the banks in the order of `by_depth`: banks of one kind one after the other, from
the first layer to the last.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from unembed.errors import QueryError
from unembed.explanation import CLASSES
from unembed.questions.pairs import list_pairs, log10_of
from unembed.store.tables import RunTables

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SPREAD = ("std", "skewness", "kurtosis")


def by_depth(run: RunTables) -> pl.DataFrame:
    """Return one row a bank, in order of depth: bank, kind, layer, lens.

    The kind is the bank's name without its layer: `mlp` for `mlp.26`, `sae.width_16k` for
    `sae.8.width_16k`. Kinds come as they do in the run, the layers of each in ascending order;
    banks whose layer is not known stand as in the run, after those of their kind.
    """
    banks = run.manifest.banks
    kinds = list(dict.fromkeys(bank.kind for bank in banks))
    ordered = sorted(
        banks, key=lambda bank: (kinds.index(bank.kind), bank.layer is None, bank.layer or 0)
    )
    schema = {
        "bank": pl.String(), "kind": pl.String(), "layer": pl.Int64(), "lens": pl.String(),
    }  # fmt: skip
    rows = [(bank.name, bank.kind, bank.layer, run.manifest.lens_of(bank)) for bank in ordered]
    return pl.DataFrame(rows, schema=schema, orient="row")


def banks_by_layer(run: RunTables, banks: str | Sequence[str] | None = None) -> list[str]:
    """Return the names of a run's banks, or of those asked for, from the first layer on.

    Raises:
        QueryError: when the run has no such bank.
    """
    wanted = run.banks_named(banks)
    depth = by_depth(run).sort("layer", nulls_last=True, maintain_order=True)
    return [name for name in depth["bank"] if name in wanted]


def spread_by_bank(run: RunTables) -> pl.DataFrame:
    """Return one row a bank: percentiles of std, skewness and kurtosis over its features.

    Columns: bank, kind, layer, lens, features, flat (that write nothing); for each statistic
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


def require_classes(run: RunTables) -> None:
    """Check that features have classes.

    Raises:
        QueryError: when they do not.
    """
    if not run.is_explained:
        raise QueryError(
            f"The features of {run.place} have no classes: it was made without token sets, or by "
            "an earlier version. Make the run again: `unembed run … --sets default`."
        )


def classes_by_bank(run: RunTables) -> pl.DataFrame:
    """Return one row a bank and class: bank, kind, layer, lens, class, features, share.

    The share is of the bank. Every class has a row in every bank, in the order of
    `unembed.explanation.CLASSES`.

    Raises:
        QueryError: when the run's features have no classes.
    """
    require_classes(run)
    classes = run.scalars.select("bank", "class")
    counted = classes.group_by("bank", "class").agg(pl.len().cast(pl.Int64).alias("features"))
    every = pl.DataFrame({"class": CLASSES})
    return (
        by_depth(run)
        .join(every, how="cross", maintain_order="left")
        .join(counted, on=["bank", "class"], how="left", maintain_order="left")
        .with_columns(pl.col("features").fill_null(0))
        .with_columns(share=pl.col("features") / pl.col("features").sum().over("bank"))
    )


def enriched_by_bank(run: RunTables) -> pl.DataFrame:
    """Return one row a bank: how many of its features and pairs pass, at the run's own max_q.

    Columns: bank, pairs, features (by a rate of their own; in runs before schema 4, with at least
    one pair), sets (of at least one pair).

    Raises:
        QueryError: when the run has no enrichment.
    """
    counted = (
        list_pairs(run)
        .group_by("bank")
        .agg(
            pairs=pl.len(),
            features=pl.col("index").n_unique(),
            sets=pl.col("token_set").n_unique(),
        )
    )
    banks = pl.DataFrame({"bank": run.banks})
    found = banks.join(counted, on="bank", how="left", maintain_order="left").fill_null(0)
    if not (run.manifest.features_are_tested and run.is_explained):
        return found
    passing = run.scalars.group_by("bank").agg(
        features=(pl.col("log10_q") <= log10_of(run.tested.max_q)).sum().cast(pl.UInt32)
    )
    return (
        found.drop("features")
        .join(passing, on="bank", maintain_order="left")
        .select(*found.columns)
    )
