"""What features did when they were added to the model: a table a bank, of those that were.

A run is finished without them. A feature has a row for each strength that it was added with; one
that is steered again with the same strength has its new row in the place of the old one.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from unembed.store.added import STEERING_COLUMNS, steering_path
from unembed.store.manifest import Manifest
from unembed.store.read_added import read_added
from unembed.store.shards import write_table


def read_steering(folder: Path, manifest: Manifest, bank: str) -> pl.DataFrame:
    """Return what a bank's features did, by index and strength; no row where none was steered.

    Args:
        folder: of the run.
        manifest: of the run.
        bank: its name.

    Raises:
        RunError: when the table is damaged, or another run's.
    """
    found = read_added(folder, manifest, steering_path(bank))
    return pl.DataFrame(schema=STEERING_COLUMNS) if found is None else found


def add_steering(folder: Path, manifest: Manifest, bank: str, rows: pl.DataFrame) -> None:
    """Write rows into a bank's table, in the place of those of the same index and strength.

    Args:
        folder: of the run, held (`folder.adding`).
        manifest: of the run.
        bank: its name.
        rows: of `STEERING_COLUMNS`.

    Raises:
        RunError: when the table that is there is damaged, or another run's, or cannot be written.
    """
    key = ["index", "strength"]
    kept = read_steering(folder, manifest, bank).join(rows, on=key, how="anti")
    table = pl.concat([kept, rows.select(*STEERING_COLUMNS)]).sort(key)
    write_table(folder / steering_path(bank), table)
