"""What features did when they were added to the model, where that was tried and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from unembed.addresses import split
from unembed.store.added import STEERING_COLUMNS
from unembed.store.steering import read_steering
from unembed.store.tables import RunTables

IDENTITY = ("feature", "bank", "index", "layer", "lens", "class", "label")
STEERED = ("steer_strength", "steer_correlation", "steer_rank", "output_score")
"""Columns of features where some of the run were steered: the least strength that the feature was
steered with; with it, the correlation of the change of the logits with the logit weights of the
feature's lens, and the worst rank of a set of its label among matched ones; its output score."""


def steering(run: RunTables, feature: str | Sequence[str] | None = None) -> pl.DataFrame:
    """Return what features did when they were steered (`unembed.steer`), as the run keeps it.

    A row for each feature and strength, in the order of the run; of features that are named, those
    alone. One that was not steered has no row.

    Raises:
        QueryError: when the run has no such feature.
        RunError: when a table is damaged, or another run's.
    """
    named = None if feature is None else [feature] if isinstance(feature, str) else list(feature)
    wanted = None if named is None else {run.row_of(each) for each in named}
    banks = run.banks if named is None else {split(each, run.banks)[0] for each in named}
    found = steered(run, pl.concat([_stored(run, bank) for bank in run.banks if bank in banks]))
    if wanted is None:
        return found
    rows = pl.Series([run.row_of(each) for each in found["feature"]], dtype=pl.Int64)
    return found.filter(rows.is_in(list(wanted)))


def steered(run: RunTables, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of steering tables with what their features are before them.

    Args:
        run: whose features they are.
        rows: of `store.steering`, and the column bank.
    """
    known = run.scalars.select(IDENTITY)
    joined = rows.join(known, on=["bank", "index"], how="left", maintain_order="left")
    return joined.select(*IDENTITY, *(name for name in STEERING_COLUMNS if name != "index"))


def steering_facts(run: RunTables, address: str) -> list[dict[str, Any]] | None:
    """Return what one feature did, a record for each strength; None where it was not steered.

    Raises:
        QueryError: when the run has no such feature.
    """
    run.row_of(address)  # or there is none
    bank, index = split(address, run.banks)
    rows = _stored(run, bank).filter(pl.col("index") == index)
    return rows.drop("bank", "index").to_dicts() or None


def with_steering(run: RunTables, found: pl.DataFrame) -> pl.DataFrame:
    """Return features with the columns `STEERED`, where some of the run were steered.

    Args:
        run: the run.
        found: features, with bank and index.
    """
    stored = pl.concat([_stored(run, bank) for bank in run.banks])
    if not stored.height or set(STEERED) <= set(found.columns):
        return found
    return found.join(
        _scalars(run, stored), on=["bank", "index"], how="left", maintain_order="left"
    )


def _scalars(run: RunTables, stored: pl.DataFrame) -> pl.DataFrame:
    """Return one row a steered feature: bank, index and `STEERED`."""
    rows = [
        {
            "bank": row["bank"],
            "index": row["index"],
            "steer_strength": row["strength"],
            "steer_correlation": _own(run, row),
            "steer_rank": max((each["matched_rank"] for each in row["sets"]), default=None),
            "output_score": row["output_score"],
        }
        for row in stored.unique(["bank", "index"], keep="first", maintain_order=True).to_dicts()
    ]
    kinds = {"bank": pl.String, "index": pl.Int64, "steer_rank": pl.Int64}
    return pl.DataFrame(rows, schema_overrides=kinds)


def _own(run: RunTables, row: dict[str, Any]) -> float | None:
    """Return the correlation with the logit weights that the bank is read by."""
    own = run.manifest.lens_of(run.manifest.bank(row["bank"]))
    found = (each["correlation"] for each in row["correlations"] if each["lens"] == own)
    return next(found, None)


def _stored(run: RunTables, bank: str) -> pl.DataFrame:
    """Return what is kept of a bank, its rows by index and strength.

    Raises:
        RunError: when the table is damaged, or another run's.
    """
    found = read_steering(run.path, run.manifest, bank)
    return found.with_columns(bank=pl.lit(bank))
