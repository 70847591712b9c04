"""Parquet files by their path: whatever a folder is called, its name is no pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import ComputeError, PanicException

from unembed import sealed
from unembed.distant import at_once, file_at
from unembed.outside.text import has_half
from unembed.parquet_footer import need_columns, need_footer


def read_parquet(*paths: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Return the tables in some files as one, which are verified first where they are sealed.

    Of distant files what is read is fetched, and verified a piece at a time.

    Polars takes `[`, `*`, `?` and a leading `~` for a pattern or another folder, and reads the
    files that it fits.

    Raises:
        FormatError: when a file is damaged, by its seal.
        PolarsError: when one cannot be understood.
        OSError: when one is not there, or may not be read.
    """
    far = {path: file for path in paths if (file := file_at(path))}
    at_once(lambda file: need_columns(file, columns), far.values())
    for path in paths:
        if path not in far:
            sealed.verify(path)
    with _no_panic():
        return pl.read_parquet(
            [_source(path) for path in paths],
            columns=columns, glob=False, hive_partitioning=False,
        )  # fmt: skip


def read_rows(path: Path, rows: Sequence[int], columns: list[str] | None = None) -> pl.DataFrame:
    """Return some rows of a distant table, in the order given; only their row groups are fetched.

    Args:
        path: of a file that is elsewhere (`distant.file_at`).
        rows: at least one, each in the table.
        columns: only these.

    Raises:
        RunError: when they cannot be fetched.
        PolarsError: when the table cannot be understood.
    """
    file = file_at(path)
    assert file is not None
    here = need_columns(file, columns, rows)
    parts, places = [], []
    with _no_panic():
        scanned = pl.scan_parquet(_source(path), glob=False, hive_partitioning=False)
        for start, stop in here:
            part = scanned.slice(start, stop - start)
            at = [place for place, row in enumerate(rows) if start <= row < stop]
            whole = (part if columns is None else part.select(columns)).collect()
            parts.append(whole[[rows[place] - start for place in at]])
            places += at
    if len(places) != len(rows):
        raise ComputeError(f"it has no more than {here[-1][1] if here else 0:,} rows")
    order = [place for _, place in sorted(zip(places, range(len(places)), strict=True))]
    return pl.concat(parts)[order]


def write_parquet(
    path: Path,
    table: pl.DataFrame,
    said: Mapping[str, str] | None = None,
    *,
    rows_in_group: int | None = None,
) -> None:
    """Write a table, sealed. Equal tables give equal bytes.

    Args:
        path: the file.
        table: what it is to hold.
        said: what the file says of itself besides.
        rows_in_group: how many rows can be read without the others; polars' own choice if None.

    Raises:
        OSError: when the disk refuses.
    """
    whole = BytesIO()
    table.write_parquet(
        whole, compression="zstd", metadata={**sealed.BLANK, **(said or {})},
        row_group_size=rows_in_group,
    )  # fmt: skip
    sealed.seal_parquet(whole)
    path.write_bytes(whole.getvalue())  # shared, not copied


def height_of(path: Path) -> int:
    """Return how many rows a file holds, from its last few bytes alone."""
    _need_footer(path)
    with _no_panic():
        counted = pl.scan_parquet(_source(path), glob=False, hive_partitioning=False)
        return int(counted.select(pl.len()).collect().item())


def schema_of(path: Path) -> dict[str, pl.DataType]:
    """Return the columns of a file with their types, from its last few bytes alone."""
    _need_footer(path)
    with path.open("rb") as file, _no_panic():
        return dict(pl.read_parquet_schema(file))


def said_of(path: Path) -> dict[str, str]:
    """Return what a file says of itself, from its last few bytes alone."""
    _need_footer(path)
    with path.open("rb") as file, _no_panic():
        return pl.read_parquet_metadata(file)


def _need_footer(path: Path) -> None:
    if file := file_at(path):
        need_footer(file)


def _source(path: Path) -> Any:
    """Return what polars opens: a path, or the bytes of a file whose path is no text."""
    whole = path.absolute()
    return whole.read_bytes() if has_half(str(whole)) else whole


@contextmanager
def _no_panic() -> Iterator[None]:
    """Turn a panic into an error: polars panics at some files that carry no seal and are damaged.

    A panic is no `Exception`, and passes by whoever expects a file that cannot be read.
    """
    try:
        yield
    except PanicException as panic:
        raise ComputeError(f"the file cannot be understood: {panic}") from panic
