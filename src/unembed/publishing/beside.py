"""The tables that a run is published with, so that one feature can be looked at alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.products import array_product
from unembed.progress import Progress, silent
from unembed.publishing.private import answer_without_places
from unembed.questions.same_label import collisions
from unembed.store.manifest import Manifest, Shard
from unembed.store.published import (
    COLLISION_COLUMNS,
    MOST_STRONGEST,
    OVERVIEW,
    STRONGEST_COLUMNS,
    collisions_path,
    overview_text,
    strongest_path,
    write_beside,
)
from unembed.store.tables import RunTables

I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

_AT_ONCE = 256
"""Features whose z with all sets is held at once."""
_SPARE = 16
"""Sets more than are kept that are looked at exactly: what finds them is rounded otherwise."""


def write_tables(run: RunTables, folder: Path, progress: Progress = silent) -> list[str]:
    """Write what is published beside a run, and return the paths.

    Args:
        run: a finished run.
        folder: that they are written to.
        progress: told how many features are done.
    """
    if not run.has_enrichment:
        return []
    paths, done = [], 0
    apart = _collisions(run) if run.is_explained else None
    for shard in run.manifest.shards():
        path = strongest_path(shard.path)
        parts = []
        for part in _strongest(run, shard):
            parts.append(part)
            progress("Strongest token sets", done := done + part.height, run.manifest.features)
        write_beside(folder, run.manifest, path, pl.concat(parts))
        paths.append(path)
        if apart is not None:
            first = run.manifest.first_rows[run.manifest.names[shard.bank]] + shard.start
            path = collisions_path(shard.path)
            write_beside(folder, run.manifest, path, apart[first : first + shard.features])
            paths.append(path)
    return paths


def write_overview(run: RunTables, manifest: Manifest, folder: Path) -> list[str]:
    """Write the explorer's first answer, and return its path; none without the extra `explore`.

    Args:
        run: a finished run.
        manifest: as it goes out.
        folder: that it is written to.
    """
    try:
        from unembed.explorer.contents import Contents
    except ImportError:
        return []
    answer = Contents(replace(run, manifest=manifest)).overview()  # type: ignore[arg-type]
    answer = answer_without_places(answer, run.manifest)
    (folder / OVERVIEW).parent.mkdir(parents=True, exist_ok=True)
    (folder / OVERVIEW).write_text(overview_text(manifest, answer), encoding="utf-8")
    return [OVERVIEW]


def _collisions(run: RunTables) -> pl.DataFrame:
    """Return a row for every feature of a run, null for those without a label."""
    known = collisions(run)
    places = [run.row_of(feature) for feature in known["feature"]]
    found = known.select(*COLLISION_COLUMNS).with_columns(row=pl.Series(places, dtype=pl.Int64))
    rows = pl.DataFrame({"row": np.arange(run.manifest.features)})
    joined = rows.join(found, on="row", how="left", maintain_order="left")
    return joined.select(*COLLISION_COLUMNS)


def _strongest(run: RunTables, shard: Shard) -> Iterator[pl.DataFrame]:
    """Yield the strongest sets of the features of a shard, some features at a time."""
    bank = run.manifest.names[shard.bank]
    for start in range(shard.start, shard.stop, _AT_ONCE):
        positions = np.arange(start, min(start + _AT_ONCE, shard.stop))
        near = _near(run, shard, positions)
        count = near.shape[1]
        z = run.scores.z_of_pairs(bank, np.repeat(positions, count), near.ravel())
        z = z.reshape(near.shape)
        order = np.argsort(-np.abs(z), axis=1, kind="stable")[:, :MOST_STRONGEST]
        near, z = np.take_along_axis(near, order, 1), np.take_along_axis(z, order, 1)
        log10_p = run.scores.log10_p_of(bank, near.ravel(), z.ravel()).reshape(z.shape)
        columns: dict[str, Any] = {"token_set": near.astype(np.int32), "z": z, "log10_p": log10_p}
        lists = {name: pl.Series(each.tolist(), dtype=STRONGEST_COLUMNS[name])
                 for name, each in columns.items()}  # fmt: skip
        yield pl.DataFrame(lists, schema=STRONGEST_COLUMNS)


def _near(run: RunTables, shard: Shard, positions: I64) -> I64:
    """Return [P, k] for each feature the sets among which its strongest are, by number."""
    bank = run.manifest.names[shard.bank]
    z = np.abs(run.scores.z_of_features(bank, positions, array_product))
    count = min(MOST_STRONGEST + _SPARE, z.shape[1])
    found: I64 = np.sort(np.argpartition(-z, count - 1, axis=1)[:, :count], axis=1)
    return found.astype(np.int64)
