"""One shard of a bank: its tiles read once, by every reader, and its tables written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from unembed.enrichment.bank import BankEnrichment
from unembed.explanation import Explainer, Explanation
from unembed.features import Features
from unembed.progress import Report
from unembed.store import enrichment as store
from unembed.store.arrays import write_array
from unembed.store.explanation import explanation_path, explanation_rows
from unembed.store.manifest import Manifest, Shard
from unembed.store.schema import feature_rows
from unembed.store.shards import ROWS_IN_GROUP, write_table
from unembed.sweep import Sweep, Tile, TseaReadings, joined
from unembed.sweep.standardised import unit_rows

Readers = tuple[BankEnrichment, Explainer]


def sweep_shard(
    folder: Path,
    manifest: Manifest,
    shard: Shard,
    bank: Features,
    sweep: Sweep,
    readers: Readers | None,
    report: Report,
) -> None:
    """Sweep one shard and write its tables, that of the features last.

    Args:
        folder: of the run.
        manifest: of the run.
        shard: of the bank.
        bank: whose features it holds.
        sweep: of the run.
        readers: of the shard (`BankSteps.readers`); None for the features' statistics alone.
        report: told how many of its features are done.
    """
    statistics, pairs, explanations = [], [], list[Explanation]()
    arrays: dict[str, list[npt.NDArray[np.floating]]] = {
        kind: [] for kind in (manifest.arrays if readers else ())
    }
    at = shard.start
    for tile in sweep.tiles(bank.W_dec[shard.start : shard.stop]):
        statistics.append(sweep.statistics(tile))
        if readers:
            enrichment, explainer = readers
            found, every = enrichment.read(tile, at - shard.start)
            pairs.append(found._replace(feature=found.feature + at))
            for kind, parts in arrays.items():
                parts.append(_array(kind, tile, every, enrichment))
            density = bank.log10_density
            explanations += explainer.read(
                tile, statistics[-1], found,
                None if density is None else density[at : at + len(tile.mean)],
                at - shard.start,
            )  # fmt: skip
        at += len(tile.mean)
        report(at - shard.start, shard.features)
    if readers:
        enrichment, explainer = readers
        paths = store.shard_paths(shard.path)
        for kind, parts in arrays.items():
            write_array(folder / paths[kind], parts)
        store.write_pairs(folder / paths["pairs"], pairs)
        if manifest.claims_are_counted:
            store.write_rate(folder / paths["claims"], enrichment.claims)
        rows = explanation_rows(explanations, explainer.envelope)
        write_table(folder / explanation_path(shard.path), rows)
    write_table(
        folder / shard.path, feature_rows(bank, shard.start, joined(statistics)),
        rows_in_group=ROWS_IN_GROUP,
    )  # fmt: skip


def _array(
    kind: str, tile: Tile, every: TseaReadings | None, enrichment: BankEnrichment
) -> npt.NDArray[np.floating]:
    """Return what one of the run's arrays has of a tile, a row for each feature."""
    if kind == "directions":
        return unit_rows(tile.features.scaled)[1].numpy()
    if kind == "z":
        return enrichment.test.z(tile.features.scaled)
    values: npt.NDArray[np.floating] = getattr(every, kind).astype(np.float16)
    return values
