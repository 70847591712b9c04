"""One shard of a bank: its tiles read once, by every reader, and its tables written."""

from __future__ import annotations

from pathlib import Path

from unembed.enrichment.bank import BankEnrichment
from unembed.explanation import Explainer, Explanation
from unembed.features import Features
from unembed.progress import Report
from unembed.store import enrichment as store
from unembed.store.explanation import explanation_path, explanation_rows
from unembed.store.manifest import Shard
from unembed.store.schema import feature_rows
from unembed.store.shards import write_table
from unembed.sweep import Sweep, joined

Readers = tuple[BankEnrichment, Explainer]


def sweep_shard(
    folder: Path,
    shard: Shard,
    bank: Features,
    sweep: Sweep,
    readers: Readers | None,
    report: Report,
) -> None:
    """Sweep one shard and write its tables, that of the features last.

    Args:
        folder: of the run.
        shard: of the bank.
        bank: whose features it holds.
        sweep: of the run.
        readers: of the bank (`BankSteps.readers`); None for the features' statistics alone.
        report: told how many of its features are done.
    """
    statistics, z, pairs = [], [], []
    explanations: list[Explanation] = []
    at = shard.start
    for tile in sweep.tiles(bank.W_dec[shard.start : shard.stop]):
        statistics.append(sweep.statistics(tile))
        if readers:
            enrichment, explainer = readers
            scores, found = enrichment.read(tile)
            z.append(scores)
            pairs.append(found._replace(feature=found.feature + at))
            density = bank.log10_density
            explanations += explainer.read(
                tile, statistics[-1], found,
                None if density is None else density[at : at + len(tile.mean)],
            )  # fmt: skip
        at += len(tile.mean)
        report(at - shard.start, shard.features)
    if readers:
        enrichment, explainer = readers
        paths = store.shard_paths(shard.path)
        store.write_z(folder / paths.z, z)
        store.write_pairs(folder / paths.pairs, pairs)
        store.write_rate(folder / paths.claims, enrichment.claims)
        rows = explanation_rows(explanations, explainer.envelope)
        write_table(folder / explanation_path(shard.path), rows)
    write_table(folder / shard.path, feature_rows(bank, shard.start, joined(statistics)))
