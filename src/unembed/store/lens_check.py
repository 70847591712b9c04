"""What a check of a run's lenses found: a table that a run may have, and is finished without."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from unembed.store.folder import adding
from unembed.store.manifest import Manifest
from unembed.store.read_added import read_added, wrong_added
from unembed.store.schema import LENS_CHECK, LENS_CHECK_COLUMNS
from unembed.store.shards import write_table


def read_lens_check(folder: Path, manifest: Manifest) -> pl.DataFrame | None:
    """Return what was found, a row a bank and kind of directions; None where none was made.

    Raises:
        RunError: when it is damaged, or another run's.
    """
    table = read_added(folder, manifest, LENS_CHECK)
    if table is not None and (why := _broken(table, manifest)):
        raise wrong_added(folder, LENS_CHECK, f"is no check of this run's lenses: {why}")
    return table


def keep_lens_check(folder: Path, manifest: Manifest, found: pl.DataFrame) -> None:
    """Keep what was found of some banks with a run, in place of what was known of them.

    Raises:
        RunError: when it cannot be written, or what is there cannot be read.
    """
    found = found.select(pl.col(name).cast(kind) for name, kind in LENS_CHECK_COLUMNS.items())
    places = {bank: at for at, bank in enumerate(manifest.names)}
    in_the_run = pl.col("bank").replace_strict(places, return_dtype=pl.Int64)
    with adding(folder, LENS_CHECK):
        known = read_lens_check(folder, manifest)
        if known is not None:
            known = known.filter(~pl.col("bank").is_in(found["bank"].unique().to_list()))
            found = pl.concat([known, found])
        write_table(folder / LENS_CHECK, found.sort(in_the_run, maintain_order=True))


def check_can_be_kept(folder: Path, manifest: Manifest) -> None:
    """Check that what will be found can be kept, before the work.

    Raises:
        RunError: when it cannot.
    """
    with adding(folder, LENS_CHECK):
        read_lens_check(folder, manifest)


def _broken(table: pl.DataFrame, manifest: Manifest) -> str | None:
    """Return what is wrong with what a table says; None where nothing is."""
    strange = [bank for bank in table["bank"].unique().to_list() if bank not in manifest.names]
    if strange:
        return f"it is of banks that the run does not have, such as {strange[0]!r:.80}"
    if any(table.null_count().row(0)) or table.select(pl.col(pl.Float64).is_nan().any()).row(
        0
    ).count(True):
        return "it lacks numbers"
    return None
