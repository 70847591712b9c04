"""What features did when they were added to the model: a table a bank, of those that were.

A run is finished without them. A feature has a row for each strength that it was added with; one
that is steered again with the same strength has its new row in the place of the old one.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from unembed.store.shards import read_table, write_table
from unembed.store.standing import is_file

STEERING_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "strength": pl.Float64(),
    "length": pl.Float64(),
    "block": pl.Int64(),
    "exact": pl.Boolean(),
    "correlations": pl.List(
        pl.Struct({"lens": pl.String(), "correlation": pl.Float64(), "random": pl.Float64()})
    ),
    "sets": pl.List(
        pl.Struct(
            {
                "token_set": pl.String(),
                "sign": pl.Int8(),
                "log_p": pl.Float64(),
                "change": pl.Float64(),
                "matched": pl.Int32(),
                "matched_change": pl.Float64(),
                "matched_rank": pl.Int32(),
                "random": pl.Int32(),
                "random_change": pl.Float64(),
                "random_rank": pl.Int32(),
                "random_first": pl.Int32(),
            }
        )
    ),
    "output_score": pl.Float64(),
    "output_score_unsteered": pl.Float64(),
    "output_score_random": pl.Float64(),
    "score_strength": pl.Float64(),
    "texts": pl.List(
        pl.Struct(
            {
                "prompt": pl.String(),
                "added": pl.String(),
                "strength": pl.Float64(),
                "text": pl.String(),
            }
        )
    ),
    "prompts": pl.Int64(),
    "prompts_sha256": pl.String(),
    "model": pl.String(),
    "seed": pl.Int64(),
    "unembed_version": pl.String(),
}
"""Columns of `steering/BANK.parquet` (`steering.steer` says what they hold)."""


def steering_path(bank: str) -> str:
    """Return where what a bank's features did lies, relative to the run.

    >>> steering_path("sae.26")
    'steering/sae.26.parquet'
    """
    return f"steering/{bank}.parquet"


def read_steering(folder: Path, bank: str) -> pl.DataFrame:
    """Return what a bank's features did, by index and strength; no row where none was steered.

    Args:
        folder: of the run.
        bank: its name.

    Raises:
        RunError: when the table is damaged.
    """
    path = folder / steering_path(bank)
    return read_table(path) if is_file(path) else pl.DataFrame(schema=STEERING_COLUMNS)


def add_steering(folder: Path, bank: str, rows: pl.DataFrame) -> None:
    """Write rows into a bank's table, in the place of those of the same index and strength.

    Args:
        folder: of the run, held (`folder.adding`).
        bank: its name.
        rows: of `STEERING_COLUMNS`.

    Raises:
        RunError: when the table that is there is damaged, or cannot be written.
    """
    key = ["index", "strength"]
    kept = read_steering(folder, bank).join(rows, on=key, how="anti")
    table = pl.concat([kept, rows.select(*STEERING_COLUMNS)]).sort(key)
    write_table(folder / steering_path(bank), table)
