"""The feature tables of a run: one Parquet file a shard, done when it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from unembed.errors import FormatError, QueryError, RunError
from unembed.parquet import read_parquet, write_parquet
from unembed.store.atomic import write_atomically
from unembed.store.manifest import Manifest
from unembed.store.stamp import stamp

TOKENS = "tokens.parquet"
_AGAIN = (
    "Give the command that made the run again: it makes this file again, and leaves the others."
)


def rows_of_shards(
    folder: Path,
    manifest: Manifest,
    rows: Sequence[int],
    columns: list[str] | None = None,
    *,
    path_of: Callable[[str], str] = lambda path: path,
) -> pl.DataFrame:
    """Return some features' rows in the order given, without reading the shards of the others.

    Args:
        folder: the run's.
        manifest: of the run.
        rows: places in the run.
        columns: only these.
        path_of: another table's path, from that of a shard of features.

    Raises:
        QueryError: when there is no such row, or none is asked for.
        RunError: when a shard is missing or damaged.
    """
    wanted = np.asarray(rows, np.int64)
    if not len(wanted) or wanted.min() < 0 or wanted.max() >= manifest.features:
        raise QueryError(
            f"Rows of this run are 0 to {manifest.features - 1}; give at least one of them."
        )
    parts, places, first = [], [], 0
    for shard in manifest.shards():
        length = shard.stop - shard.start
        within = np.flatnonzero((wanted >= first) & (wanted < first + length))
        if len(within):
            table = _recent(folder / path_of(shard.path), columns)
            parts.append(table[wanted[within] - first])
            places.append(within)
        first += length
    return pl.concat(parts)[np.argsort(np.concatenate(places))]


def _recent(path: Path, columns: list[str] | None) -> pl.DataFrame:
    """Return a shard's table; the last few are kept, since who reads a row reads its neighbours."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise damaged(path, error) from error
    return _kept(path, changed, None if columns is None else tuple(columns))


@lru_cache(maxsize=16)
def _kept(path: Path, changed: int, columns: tuple[str, ...] | None) -> pl.DataFrame:
    return read_table(path, columns=None if columns is None else list(columns))


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write a table as Parquet, whole or not at all. Equal tables of a run give equal bytes."""
    said = stamp(path)
    write_atomically(path, lambda part: write_parquet(part, table, said))


def read_table(*paths: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Return the tables in some files as one, each verified by the hash it carries.

    Raises:
        RunError: when one is missing or damaged.
    """
    try:
        return read_parquet(*paths, columns=columns)
    except (PolarsError, OSError, FormatError) as error:
        raise damaged(paths[0], error) from error


def damaged(path: Path, error: Exception) -> RunError:
    """Return the error for a file of a run that cannot be read.

    Args:
        path: the file, or the first of some.
        error: why; a FormatError names the file itself.
    """
    if isinstance(error, FormatError):
        return RunError(f"{error} {_AGAIN}")
    if isinstance(error, FileNotFoundError):
        return RunError(f"{error.filename or path} is missing. {_AGAIN}")
    if isinstance(error, OSError):
        why = f"{error.filename or path} cannot be read: {error.strerror or error}."
        return RunError(f"{why} It was not looked at, and need not be damaged.")
    first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return RunError(f"A table of {path.parent} is damaged: {first}. {_AGAIN}")
