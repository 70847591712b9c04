"""A run by bank, in order of depth: spread, classes, and which sets are written where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from unembed.questions.banks import classes_by_bank, enriched_by_bank, spread_by_bank
from unembed.questions.pairs import Sign
from unembed.questions.sets_by_bank import sets_by_bank
from unembed.store.tables import RunTables


def layers(
    run: RunTables,
    sets: Sequence[str] | None = None,
    *,
    family: Sequence[str] | None = None,
    sign: Sign | None = None,
    limit: int | None = 20,
) -> dict[str, Any]:
    """Return what `unembed layers --json` prints.

    Args:
        run: the run.
        sets: token sets to show; those that are written most, if none.
        family: only sets of these families.
        sign: `+` promoted, `-` suppressed.
        limit: at most so many sets.

    Returns:
        run, model; banks (`spread_by_bank`, and with_set, features that pass with at least one
        set); classes (`classes_by_bank`), None where features have none; max_q, sign and sets
        (`sets_by_bank`), None in runs without token sets.

    Raises:
        QueryError: for an unknown set or family, or any where the run has no token sets.
    """
    banks = spread_by_bank(run)
    found: dict[str, Any] = {"max_q": None, "sign": sign, "sets": None}
    if run.has_enrichment or sets or family or sign:
        passing = enriched_by_bank(run).select("bank", pl.col("features").alias("with_set"))
        banks = banks.join(passing, on="bank", how="left", maintain_order="left")
        table = sets_by_bank(run, sets, family=family, sign=sign, limit=limit)
        found |= {"max_q": run.tested.max_q, "sets": table.to_dicts()}
    return {
        "run": run.place,
        "model": run.model,
        "banks": banks.to_dicts(),
        "classes": classes_by_bank(run).to_dicts() if run.is_explained else None,
        **found,
    }
