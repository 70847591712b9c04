"""What Neuronpedia says of a run's features, kept beside it: a run has it or has it not.

```text
neuronpedia/features/BANK.parquet       one row a feature that was asked for, by index
neuronpedia/explanations/BANK.parquet   one row an explanation
neuronpedia/activations/BANK.parquet    one row a text that a feature fires on, strongest first
```

The manifest says nothing of these tables, no other depends on them, and they can be thrown away.
They say of which run they are as all tables do, and go when the run is overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl
from filelock import FileLock, Timeout

from unembed.disk import told
from unembed.errors import RunError
from unembed.outside.text import shown
from unembed.store.check import misplaced, said_of
from unembed.store.files import LOCK, beside_paths
from unembed.store.manifest import Manifest
from unembed.store.shards import recent_table, write_table
from unembed.store.standing import check_way

FEATURE_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "source": pl.String(),
    "density": pl.Float64(),
    "max_activation": pl.Float64(),
    "has_features": pl.Boolean(),
    "has_explanations": pl.Boolean(),
    "has_activations": pl.Boolean(),
}
"""Of each feature that was asked for: `model/source` there, the share of tokens that it fires on,
its largest activation, and what was asked for: what is not there then, the export has not."""
EXPLANATION_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "text": pl.String(),
    "type": pl.String(),
    "model": pl.String(),
}
ACTIVATION_COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "value": pl.Float32(),
    "tokens": pl.List(pl.String()),
    "values": pl.List(pl.Float32()),
    "at": pl.Int32(),
}


class Beside(NamedTuple):
    """What Neuronpedia says of a bank's features (`FEATURE_COLUMNS` and so on)."""

    features: pl.DataFrame
    explanations: pl.DataFrame
    activations: pl.DataFrame

    def of(self, index: int) -> Beside:
        """Return the same of one feature."""
        return Beside(*(table.filter(pl.col("index") == index) for table in self))


def read_beside(folder: Path, manifest: Manifest, bank: str) -> Beside | None:
    """Return what is kept of a bank; None where nothing was fetched.

    Raises:
        RunError: when a table is missing, damaged, or of another run.
    """
    paths = beside_paths(bank)
    if not any(_is_there(folder, path) for path in paths):
        return None
    tables = []
    for path in paths:
        if not _is_there(folder, path):
            raise _again(folder, path, "is missing, and others of its bank are there")
        table = recent_table(folder / path)
        if why := misplaced(manifest, path, said_of(folder / path)):
            raise _again(folder, path, f"is not of this run: {why}")
        tables.append(table)
    return Beside(*tables)


def merge_beside(
    folder: Path, manifest: Manifest, bank: str, new: Beside, kinds: Collection[str]
) -> Beside:
    """Write what was found of some features to what is kept of a bank, and return all of it.

    Of these features what was found stands in the place of what was kept, kind by kind; all else
    stays.

    Args:
        folder: of the run.
        manifest: of the run.
        bank: its name.
        new: what was found; `features` has a row for each that was asked for.
        kinds: that were asked for.

    Raises:
        RunError: when the run is being written to, or the disk refuses.
    """
    with _locked(folder):
        old = read_beside(folder, manifest, bank) or _empty()
        merged = _merged(old, new, kinds)
        # the table that says what there is comes last
        for path, table in reversed(list(zip(beside_paths(bank), merged, strict=True))):
            write_table(folder / path, table)
    return merged


def _merged(old: Beside, new: Beside, kinds: Collection[str]) -> Beside:
    asked = new.features["index"]
    explanations, activations = (
        _replaced(before, after, asked) if kind in kinds else before
        for kind, before, after in (
            ("explanations", old.explanations, new.explanations),
            ("activations", old.activations, new.activations),
        )
    )
    known = pl.concat([old.features, new.features])
    densities = ("density", "max_activation")
    features = known.group_by("index", maintain_order=True).agg(
        pl.col("source").last(),
        *(pl.col(name).drop_nulls().last() for name in densities),
        *(pl.col(name).any() for name in FEATURE_COLUMNS if name.startswith("has_")),
    )
    return Beside(features.sort("index").select(*FEATURE_COLUMNS), explanations, activations)


def _replaced(before: pl.DataFrame, after: pl.DataFrame, asked: pl.Series) -> pl.DataFrame:
    kept = before.filter(~pl.col("index").is_in(asked.implode()))
    return pl.concat([kept, after]).sort("index", maintain_order=True)


def _empty() -> Beside:
    schemas = (FEATURE_COLUMNS, EXPLANATION_COLUMNS, ACTIVATION_COLUMNS)
    return Beside(*(pl.DataFrame(schema=schema) for schema in schemas))


def _is_there(folder: Path, path: str) -> bool:
    with told(folder / path, "cannot be read", RunError):
        return check_way(folder, path)


def _again(folder: Path, path: str, why: str) -> RunError:
    within = (folder / path).parents[1]
    return RunError(
        f"{folder / path} {why}. Delete {within}, which nothing else depends on, and fetch again: "
        f"unembed neuronpedia fetch {shown(folder)}."
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder, which is there."""
    lock = FileLock(folder / LOCK, timeout=0)
    with told(folder, "cannot be written to", RunError):
        try:
            lock.acquire()
        except Timeout as error:  # which is an error of the system's, too
            raise RunError(
                f"Another unembed is writing to {folder}. Wait until it is done; what was fetched "
                "is in the cache."
            ) from error
    try:
        yield
    finally:
        lock.release()
