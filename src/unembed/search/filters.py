"""Which features are searched at all: those of some banks and layers, of a class, of a shape."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from polars.exceptions import PolarsError

from unembed.addresses import bank_named
from unembed.errors import QueryError, did_you_mean
from unembed.explanation import CLASSES
from unembed.store import Run

WHERE_COLUMNS = (
    "bank", "index", "layer", "class", "mean", "std", "skewness", "kurtosis", "min", "max", "norm",
    "log10_density", "partition_r2",
)  # fmt: skip
"""What a condition may speak of."""


def banks_of(run: Run, banks: Sequence[str], layers: Sequence[int]) -> tuple[str, ...]:
    """Return the banks with one of these names and on one of these layers; all where none is named.

    Raises:
        QueryError: for a bank or layer that the run does not have, or when no bank fits both.
    """
    banks = [bank_named(bank, run.banks) for bank in banks]
    layer_of = {bank["name"]: bank["layer"] for bank in run.manifest["banks"]}
    known = sorted({layer for layer in layer_of.values() if layer is not None})
    for layer in layers:
        if layer not in known:
            has = f"Its layers: {', '.join(map(str, known))}." if known else "None of its banks has"
            raise QueryError(
                f"There is no bank of layer {layer} in this run. "
                f"{has if known else f'{has} a layer: choose with --bank.'}"
            )
    fitting = tuple(
        name
        for name in run.banks
        if (not banks or name in banks) and (not layers or layer_of[name] in layers)
    )
    if not fitting:
        of_layers = [name for name in run.banks if layer_of[name] in layers]
        raise QueryError(
            f"No bank is both one of {', '.join(banks)} and of layer "
            f"{', '.join(map(str, layers))}, whose banks are {', '.join(of_layers)}."
        )
    return fitting


def of_classes(run: Run, classes: Sequence[str]) -> pl.Expr:
    """Return the condition that a feature is of one of these classes.

    Raises:
        QueryError: for a class that does not exist, or a run without classes.
    """
    for each in classes:
        if each not in CLASSES:
            raise QueryError(
                f"There is no class {each!r}.{did_you_mean(each, CLASSES)} "
                f"Classes: {', '.join(CLASSES)}."
            )
    if classes and run.scalars["class"].null_count() == run.scalars.height:
        raise QueryError(
            f"The features of {run.path} have no classes: it was made without token sets, or by an "
            "older unembed. Make the run again: `unembed run … --sets default`."
        )
    return pl.col("class").is_in(classes) if classes else pl.lit(True)


def fitting(features: pl.DataFrame, where: str) -> pl.DataFrame:
    """Return the features for which an SQL condition holds.

    Raises:
        QueryError: when it is no condition on the columns there are.
    """
    try:
        kept = features.select(WHERE_COLUMNS).with_row_index("at").filter(pl.sql_expr(where))
    except (PolarsError, TypeError) as error:
        raise QueryError(
            f"The condition {where!r} cannot be used: {str(error).splitlines()[0]} Write it as "
            f'in SQL, such as "kurtosis > 10 and skewness < 0", over {", ".join(WHERE_COLUMNS)}.'
        ) from error
    return features[kept["at"]]
