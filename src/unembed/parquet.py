"""Parquet files by their path: whatever a folder is called, its name is no pattern."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from unembed import sealed


def read_parquet(*paths: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Return the tables in some files as one.

    Polars takes `[`, `*`, `?` and a leading `~` for a pattern or another folder, and reads the
    files that it fits.
    """
    return pl.read_parquet(
        [path.absolute() for path in paths],
        columns=columns, glob=False, hive_partitioning=False,
    )  # fmt: skip


def write_parquet(path: Path, table: pl.DataFrame, said: Mapping[str, str] | None = None) -> None:
    """Write a table, sealed. Equal tables give equal bytes.

    Args:
        path: the file, which is not yet where it is looked for.
        table: what it is to hold.
        said: what the file says of itself besides.
    """
    metadata = {**sealed.BLANK, **(said or {})}
    table.write_parquet(path.absolute(), compression="zstd", metadata=metadata)
    sealed.seal_parquet(path)


def height_of(path: Path) -> int:
    """Return how many rows a file holds, from its last few bytes alone."""
    counted = pl.scan_parquet(path.absolute(), glob=False, hive_partitioning=False)
    return int(counted.select(pl.len()).collect().item())


def said_of(path: Path) -> dict[str, str]:
    """Return what a file says of itself, from its last few bytes alone."""
    with path.open("rb") as file:
        return pl.read_parquet_metadata(file)
