"""Pairs of a feature and a token set, in the terminal and as tables."""

from __future__ import annotations

from typing import Literal

import polars as pl
from rich.table import Table
from rich.text import Text

from unembed.errors import QueryError, did_you_mean
from unembed.store import Run
from unembed.views.text import number, power


def query(
    run: Run,
    feature: str | None = None,
    *,
    token_set: str | None = None,
    family: str | None = None,
    bank: str | None = None,
    sign: Literal["+", "-"] | None = None,
    max_q: float | None = None,
    sort: str = "z",
    limit: int | None = 20,
) -> pl.DataFrame:
    """Return the pairs of a run that are asked for.

    Args:
        run: the run.
        feature: `bank/index`.
        token_set: a set's name or alias.
        family: only sets of this family.
        bank: only features of this bank.
        sign: `+` promotes, `-` suppresses.
        max_q: largest q-value.
        sort: the column to sort by: numbers by size whatever their sign, the largest first, texts
            by the alphabet; pairs without a value last.
        limit: at most so many rows.

    Raises:
        QueryError: for what the run does not have, or an unknown column.
    """
    found = run.enrichment(
        feature, token_set=token_set, family=family, bank=bank, sign=sign, max_q=max_q
    )
    if sort not in found.columns:
        raise QueryError(
            f"There is no column {sort!r} to sort by.{did_you_mean(sort, found.columns)} "
            f"Columns: {', '.join(found.columns)}."
        )
    text = found[sort].dtype == pl.String
    key = pl.col(sort) if text else pl.col(sort).abs()
    found = found.sort(key, descending=not text, nulls_last=True, maintain_order=True)
    return found if limit is None else found.head(limit)


def table(frame: pl.DataFrame, *, title: str | None = None, feature: bool = True) -> Table:
    """Return pairs as a table: the direction test, then TSEA.

    Args:
        frame: as `query` returns it.
        title: above the table.
        feature: name the feature in each line.
    """
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
    if feature:
        drawn.add_column("feature", style="bold", no_wrap=True)
    drawn.add_column("token set")
    for name in ("tokens", "z", "q", "ES", "NES", "AUROC"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for row in frame.iter_rows(named=True):
        drawn.add_row(
            *([row["feature"]] if feature else []),
            Text(row["token_set"], no_wrap=True, overflow="ellipsis"),
            f"{row['size']:,}",
            Text(f"{row['z']:+.1f}", style="green" if row["z"] > 0 else "red"),
            power(row["log10_q"]),
            *(number(row[name]) for name in ("es", "nes")),
            number(row["auroc"], 3),
        )
    return drawn
