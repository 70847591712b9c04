"""The feature tables of a run: one Parquet file a shard, done when it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from polars.exceptions import PolarsError

from unembed.disk import number_of, refused
from unembed.distant import at_once, file_at
from unembed.errors import FormatError, QueryError, RunError
from unembed.parquet import height_of, read_parquet, read_rows, write_parquet
from unembed.parquet_footer import need_columns
from unembed.recent import Recent
from unembed.store.atomic import write_atomically
from unembed.store.manifest import Manifest
from unembed.store.stamp import stamp

TOKENS = "tokens.parquet"
_AGAIN = (
    "Give the command that made the run again: it makes this file again, and leaves the others."
)
ROWS_IN_GROUP = 256
"""Features that come together where one of them is read from elsewhere: a sixteenth of a shard."""
MOST_KEPT = 128 * 2**20
"""Bytes of the shards' tables that are kept in memory: some 100,000 features with everything."""

Table = tuple[Path, int, int, tuple[str, ...] | None]
_tables = Recent[Table, pl.DataFrame](MOST_KEPT, lambda table: int(table.estimated_size()))


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
            parts.append(_rows(folder / path_of(shard.path), wanted[within] - first, columns))
            places.append(within)
        first += length
    if len(parts) == 1:
        return parts[0]
    return pl.concat(parts)[np.argsort(np.concatenate(places))]


def _rows(path: Path, rows: npt.NDArray[np.int64], columns: list[str] | None) -> pl.DataFrame:
    if not file_at(path):
        return recent_table(path, columns)[rows]
    try:
        return read_rows(path, rows.tolist(), columns)
    except (PolarsError, OSError) as error:
        raise damaged(path, error) from error


def recent_table(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Return a shard's table; the last ones are kept, as long as their files stay what they are.

    Raises:
        RunError: when it is missing or damaged.
    """
    try:
        now = path.stat()
    except OSError as error:
        raise damaged(path, error) from error
    key = (path, now.st_mtime_ns, now.st_size, None if columns is None else tuple(columns))
    return _tables.get(key, lambda: read_table(path, columns=columns))


def recent_tables(paths: Sequence[Path], columns: list[str]) -> list[pl.DataFrame]:
    """Return some shards' tables, each as `recent_table` does; distant ones are fetched together.

    Raises:
        RunError: when one is missing or damaged.
    """
    at_once(
        lambda file: need_columns(file, columns), [far for path in paths if (far := file_at(path))]
    )
    return [recent_table(path, columns) for path in paths]


def write_table(path: Path, table: pl.DataFrame, *, rows_in_group: int | None = None) -> None:
    """Write a table as Parquet, whole or not at all. Equal tables of a run give equal bytes.

    Args:
        path: of the table.
        table: what it is to hold.
        rows_in_group: how many rows can be read without the others (`parquet.write_parquet`).
    """
    said = stamp(path)
    write_atomically(
        path, lambda part: write_parquet(part, table, said, rows_in_group=rows_in_group)
    )


def read_table(*paths: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Return the tables in some files as one, each verified by the hash it carries.

    Raises:
        RunError: when one is missing or damaged.
    """
    try:
        return read_parquet(*paths, columns=columns)
    except (PolarsError, OSError, FormatError) as error:
        raise damaged(_first_unreadable(paths), error) from error


def damaged(path: Path, error: Exception) -> RunError:
    """Return the error for a file of a run that cannot be read.

    It is said to be damaged only where the disk gives it, and its content is what is wrong.

    Args:
        path: the file.
        error: why; a FormatError names the file itself.
    """
    if file := file_at(path):
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        return RunError(
            f"{file.inside} of {file.folder} cannot be read ({first}). Name another revision "
            "of it, or tell whoever published it."
        )
    if isinstance(error, FormatError):
        return RunError(f"{error} {_AGAIN}")
    refusal = _refusal_of(path) or (error if number_of(error) is not None else None)
    if refusal is not None:
        again = "" if path.exists() else " The command that made the run, given again, makes it."
        return RunError(f"{path} cannot be read: {refused(refusal)}{again}")
    first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return RunError(f"{path} is damaged ({first}). {_AGAIN}")


def _first_unreadable(paths: Sequence[Path]) -> Path:
    """Return the one of some tables that is why they cannot be read, the first if none is."""
    for path in paths:
        try:
            height_of(path)
        except (PolarsError, OSError, FormatError):
            return path
    return paths[0]


def _refusal_of(path: Path) -> OSError | None:
    """Return why the disk does not give a file at all; None where it does."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return error
    return None
