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

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import polars as pl

from unembed.store.added import (
    ACTIVATION_COLUMNS,
    EXPLANATION_COLUMNS,
    NEURONPEDIA_COLUMNS,
    beside_paths,
)
from unembed.store.folder import adding
from unembed.store.manifest import Manifest
from unembed.store.read_added import read_added, wrong_added
from unembed.store.shards import write_table


class Beside(NamedTuple):
    """What Neuronpedia says of a bank's features (`store.added`)."""

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
    tables = [read_added(folder, manifest, path) for path in paths]
    found = [table for table in tables if table is not None]
    if not found:
        return None
    for path, table in zip(paths, tables, strict=True):
        if table is None:
            raise wrong_added(folder, path, "is missing, and others of its bank are there")
    return Beside(*found)


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
    with adding(folder, *beside_paths(bank)):
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
        *(pl.col(name).any() for name in NEURONPEDIA_COLUMNS if name.startswith("has_")),
    )
    return Beside(features.sort("index").select(*NEURONPEDIA_COLUMNS), explanations, activations)


def _replaced(before: pl.DataFrame, after: pl.DataFrame, asked: pl.Series) -> pl.DataFrame:
    kept = before.filter(~pl.col("index").is_in(asked.implode()))
    return pl.concat([kept, after]).sort("index", maintain_order=True)


def _empty() -> Beside:
    schemas = (NEURONPEDIA_COLUMNS, EXPLANATION_COLUMNS, ACTIVATION_COLUMNS)
    return Beside(*(pl.DataFrame(schema=schema) for schema in schemas))
