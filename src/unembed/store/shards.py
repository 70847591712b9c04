"""The feature tables of a run: one Parquet file a shard, done when it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from unembed.errors import QueryError, RunError
from unembed.parquet import read_parquet, write_parquet
from unembed.store.atomic import write_atomically
from unembed.store.stamp import stamp

FEATURES = "features"
TOKENS = "tokens.parquet"


class Shard(NamedTuple):
    """A stretch of one bank's features.

    Attributes:
        bank: the bank's position in the run.
        start, stop: positions of its features in the bank.
        path: the file, relative to the run folder.
    """

    bank: int
    start: int
    stop: int
    path: str


def shards(manifest: dict[str, Any]) -> Iterator[Shard]:
    """Yield every shard of a run, in order."""
    size = manifest["settings"]["shard"]
    for position, bank in enumerate(manifest["banks"]):
        for number, start in enumerate(range(0, bank["features"], size)):
            stop = min(start + size, bank["features"])
            path = f"{FEATURES}/{bank['name']}-{number:05d}.parquet"
            yield Shard(position, start, stop, path)


def first_rows(manifest: dict[str, Any]) -> dict[str, int]:
    """Return the row in the run of each bank's first feature, by the bank's name."""
    counts = [bank["features"] for bank in manifest["banks"]]
    starts = accumulate(counts, initial=0)
    return {bank["name"]: start for bank, start in zip(manifest["banks"], starts, strict=False)}


def rows_of_shards(
    folder: Path,
    manifest: dict[str, Any],
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
    features = sum(bank["features"] for bank in manifest["banks"])
    if not len(wanted) or wanted.min() < 0 or wanted.max() >= features:
        raise QueryError(f"Rows of this run are 0 to {features - 1}; give at least one of them.")
    parts, places, first = [], [], 0
    for shard in shards(manifest):
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
    """Return the tables in some files as one.

    Raises:
        RunError: when one is missing or damaged.
    """
    try:
        return read_parquet(*paths, columns=columns)
    except (PolarsError, OSError) as error:
        raise damaged(paths[0], error) from error


def damaged(path: Path, error: Exception) -> RunError:
    """Return the error for a file of a run that cannot be read."""
    return RunError(
        f"A table of {path.parent} cannot be read: {str(error).splitlines()[0]} It is "
        "damaged: make the run again, with --overwrite."
    )
