"""Tables of features, for a person (`rich`) and for a script (JSON, CSV)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl
from polars.exceptions import PolarsError
from rich.table import Table

from unembed.addresses import ADDRESS, bank_named
from unembed.errors import QueryError, did_you_mean
from unembed.store import Run
from unembed.views.text import number, tokens

STATISTICS = ("mean", "std", "skewness", "kurtosis", "min", "max", "norm", "log10_density")
QUERY_COLUMNS = ("bank", "index", *STATISTICS, "class")


def query(
    run: Run,
    *,
    banks: list[str] | None = None,
    where: str | None = None,
    sort: str = "kurtosis",
    ascending: bool = False,
    limit: int | None = 20,
) -> pl.DataFrame:
    """Return the features of a run that are asked for, with their tokens as text.

    Args:
        run: the run.
        banks: only these banks.
        where: an SQL condition on the statistics, such as `kurtosis > 10 and skewness < 0`.
        sort: the column to sort by; features without a value come last.
        ascending: smallest first.
        limit: at most so many rows.

    Raises:
        QueryError: for an unknown bank or column, or a condition that is no SQL.
    """
    banks = [bank_named(bank, run.banks) for bank in banks or ()]
    if sort not in QUERY_COLUMNS:
        raise QueryError(
            f"There is no column {sort!r} to sort by.{did_you_mean(sort, QUERY_COLUMNS)} "
            f"Columns: {', '.join(QUERY_COLUMNS)}."
        )
    frame = run.features if not banks else run.features.filter(pl.col("bank").is_in(banks))
    if where is not None:
        frame = _filter(frame, where)
    frame = frame.sort(sort, descending=not ascending, nulls_last=True, maintain_order=True)
    frame = frame.head(limit) if limit is not None else frame
    ends = [run.token_texts(frame[f"{end}_ids"]) for end in ("top", "bottom")]
    return frame.with_columns(ends).select(
        ADDRESS.alias("feature"),
        *STATISTICS,
        "class",
        "label",
        "top_tokens",
        "top_weights",
        "bottom_tokens",
        "bottom_weights",
    )


def _filter(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    try:
        return frame.filter(pl.sql_expr(where))
    except (PolarsError, TypeError) as error:
        raise QueryError(
            f"The condition {where!r} cannot be used: {str(error).splitlines()[0]} Write it as "
            f'in SQL, such as "kurtosis > 10 and skewness < 0", over {", ".join(QUERY_COLUMNS)}.'
        ) from error


ENDS = {"top": ("promotes", "green"), "bottom": ("suppresses", "red")}


def table(
    frame: pl.DataFrame,
    *,
    title: str | None = None,
    ends: Sequence[str] = ("top", "bottom"),
    n_tokens: int = 5,
) -> Table:
    """Return features as a table: moments, and their outermost tokens.

    Args:
        frame: as `query` returns it.
        title: above the table.
        ends: which tokens to show, `top` or `bottom` or both.
        n_tokens: how many at each end.
    """
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
    drawn.add_column("feature", style="bold", no_wrap=True)
    for name in ("std", "skew", "kurt"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for end in ends:
        heading, style = ENDS[end]
        drawn.add_column(heading, style=style)
    for row in frame.iter_rows(named=True):
        drawn.add_row(
            row["feature"],
            *(number(row[name]) for name in ("std", "skewness", "kurtosis")),
            *(tokens(row[f"{end}_tokens"], n_tokens) for end in ends),
        )
    return drawn


def to_csv(frame: pl.DataFrame) -> str:
    """Return features as CSV; lists are JSON inside their cell."""
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    flat = frame.with_columns(
        pl.col(name).map_elements(_json_list, return_dtype=pl.String) for name in lists
    )
    return flat.write_csv()


def _json_list(values: pl.Series) -> str:
    return json.dumps(values.to_list(), ensure_ascii=False)
