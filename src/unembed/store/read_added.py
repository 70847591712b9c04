"""How a table that a finished run may be given is read: verified, and held against the run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from unembed import sealed
from unembed.disk import number_of, refused, told
from unembed.distant import file_at, folder_at
from unembed.errors import FormatError, RunError
from unembed.store.added import again
from unembed.store.check import misplaced, said_of
from unembed.store.columns import columns_of, wrong_columns
from unembed.store.manifest import Manifest
from unembed.store.shards import recent_table
from unembed.store.standing import check_way


def has_added(folder: Path, table: str) -> bool:
    """Return whether a run has such a table; one on the hub has what was published of it.

    Raises:
        RunError: when something else is in its place, or that cannot be seen.
    """
    if folder_at(folder) is not None:
        return file_at(folder / table) is not None
    with told(folder / table, "cannot be read", RunError):
        return check_way(folder, table)


def read_added(folder: Path, manifest: Manifest, table: str) -> pl.DataFrame | None:
    """Return a table that a run was given later, with its own columns alone; None if it was not.

    Args:
        folder: of the run.
        manifest: of the run.
        table: its path, one of `RunFiles.added`.

    Raises:
        RunError: when it is damaged, or another run's.
    """
    if not has_added(folder, table):
        return None
    path = folder / table
    try:
        sealed.verify(path, required=True)  # an old run's, too: it is younger than the run
        why = _foreign(folder, manifest, table)
        if why is None:
            columns = columns_of(table)
            return recent_table(path, [*columns]).cast(columns)  # type: ignore[arg-type]
    except FormatError as error:
        why = str(error).removeprefix(f"{path} ")
    except (PolarsError, OSError) as error:
        why = f"cannot be read: {refused(error) if number_of(error) is not None else error}"
    raise wrong_added(folder, table, why)


def _foreign(folder: Path, manifest: Manifest, table: str) -> str | None:
    """Return what a table is, if it is not the run's; None if it is."""
    if why := misplaced(manifest, table, said_of(folder / table)):
        return f"is not this run's: {why}"
    why = wrong_columns(folder, table)
    return None if why is None else f"is no table of a run: {why}"


def wrong_added(folder: Path, table: str, why: str) -> RunError:
    """Return the error for such a table of a run that is not what it should be.

    Args:
        folder: of the run.
        table: its path.
        why: what it is, as it stands behind its name: `is damaged`.
    """
    if far := file_at(folder / table):
        return RunError(
            f"{table} of {far.folder} {why.rstrip('.')}. Name another revision of it, or tell "
            "whoever published it."
        )
    return RunError(f"{folder / table} {why.rstrip('.')}. {again(table)}")
