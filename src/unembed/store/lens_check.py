"""What a check of a run's lenses found: a table that a run may have, and is finished without."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from unembed import sealed
from unembed.disk import number_of, refused
from unembed.errors import FormatError, RunError
from unembed.parquet import read_parquet
from unembed.store.check import misplaced, said_of
from unembed.store.columns import check_columns
from unembed.store.folder import adding
from unembed.store.manifest import Manifest
from unembed.store.schema import LENS_CHECK, LENS_CHECK_COLUMNS
from unembed.store.shards import write_table
from unembed.store.standing import check_way


def read_lens_check(folder: Path, manifest: Manifest) -> pl.DataFrame | None:
    """Return what was found, a row a bank and kind of directions; None where none was made.

    Raises:
        RunError: when it is damaged, or another run's.
    """
    if not check_way(folder, LENS_CHECK):
        return None
    path = folder / LENS_CHECK
    try:
        sealed.verify(path, required=True)  # an old run's, too: it is younger than the run
        why = misplaced(manifest, LENS_CHECK, said_of(path))
        if why is None:
            check_columns(folder, LENS_CHECK)
            table = read_parquet(path, columns=[*LENS_CHECK_COLUMNS])
            why = _broken(table, manifest)
    except (FormatError, PolarsError, OSError) as error:
        why = refused(error) if number_of(error) is not None else str(error)
    if why is not None:
        raise RunError(
            f"{path} is not what a check of this run's lenses leaves: {why.rstrip('.')}. Remove "
            "it; `unembed lens check` makes it again."
        )
    return table.cast(LENS_CHECK_COLUMNS)  # type: ignore[arg-type]


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
