"""The feature tables of a run: one Parquet file a shard, done when it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from polars.exceptions import PolarsError

from unembed.errors import RunError
from unembed.store.atomic import write_atomically

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


def shard_rows(folder: Path, manifest: dict[str, Any], start: int, stop: int) -> pl.DataFrame:
    """Return some features' rows, without reading the shards of the others.

    Args:
        folder: the run's.
        manifest: of the run.
        start: the place in the run of the first.
        stop: the place after the last.

    Raises:
        RunError: when a shard is missing or damaged.
    """
    parts, first = [], 0
    for shard in shards(manifest):
        length = shard.stop - shard.start
        low, high = max(start - first, 0), min(stop - first, length)
        if low < high:
            parts.append(_slice(folder / shard.path, low, high - low))
        first += length
    return pl.concat(parts)


def _slice(path: Path, start: int, length: int) -> pl.DataFrame:
    try:
        return pl.scan_parquet(path).slice(start, length).collect()
    except (PolarsError, OSError) as error:
        raise damaged(path, error) from error


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write a table as Parquet, whole or not at all. Equal tables give equal bytes."""
    write_atomically(path, lambda part: table.write_parquet(part, compression="zstd"))


def read_table(*paths: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Return the tables in some files as one.

    Raises:
        RunError: when one is missing or damaged.
    """
    try:
        return pl.read_parquet(list(paths), columns=columns)
    except (PolarsError, OSError) as error:
        raise damaged(paths[0], error) from error


def damaged(path: Path, error: Exception) -> RunError:
    """Return the error for a file of a run that cannot be read."""
    return RunError(
        f"A table of {path.parent} cannot be read: {str(error).splitlines()[0]} It is "
        "damaged: make the run again, with --overwrite."
    )
