"""Whether every file of a run is there, undamaged and the run's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from unembed.progress import Progress, report_of, silent
from unembed.store.examine import WRONG, examine
from unembed.store.tables import RunTables
from unembed.store.where import is_elsewhere

_COLUMNS = {
    "file": pl.String(), "verdict": pl.String(), "bytes": pl.Int64(), "rows": pl.Int64(),
    "problem": pl.String(),
}  # fmt: skip


def check_run(path: str | Path, progress: Progress = silent) -> pl.DataFrame:
    """Return a row for every file in a run's folder, each read whole and held against its hash.

    A run that is not finished, or too damaged to be opened, is checked all the same.

    Args:
        path: the run folder; or the name of a run on the hub, all of which is fetched then.
        progress: told how many files are done.

    Returns:
        file, its path in the folder, the run's own first; verdict: `whole`; `no hash`, made by an
        earlier version, readable and of the right size, which is all that can be told; `missing`,
        `damaged`, `foreign` (of another run, or another table of it), `unreadable` (the disk does
        not give it); `unfinished` (left by a program that was stopped), `other` (not the run's);
        bytes; rows, null where they could not be counted; problem, null where there is none.

    Raises:
        RunError: when the folder is no run, or its manifest is damaged.
    """
    folder = RunTables.open(path).path if is_elsewhere(path) else Path(path)
    found = examine(folder, report_of(progress, "Files"))
    columns: Sequence[Any] = list(zip(*found, strict=True))
    return pl.DataFrame(dict(zip(_COLUMNS, columns, strict=True)), schema=_COLUMNS)


def is_whole(files: pl.DataFrame) -> bool:
    """Return whether nothing is wrong with a run.

    Args:
        files: as `check_run` returns it.
    """
    return not files["verdict"].is_in(WRONG).any()


def wrong(files: pl.DataFrame) -> pl.DataFrame:
    """Return the files of the run that are not as they should be.

    Args:
        files: as `check_run` returns it.
    """
    return files.filter(pl.col("verdict").is_in(WRONG))
