"""`analyze`: every bank through the sweep, into a run folder, resuming what was begun."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unembed.analysis.tested import Progress, Tested
from unembed.enrichment import EnrichmentSettings, Null
from unembed.errors import UnembedError
from unembed.explanation import Explanation, ExplanationSettings
from unembed.features import Features, check_width
from unembed.store import enrichment as store
from unembed.store.explanation import explanation_path, explanation_rows
from unembed.store.folder import claimed
from unembed.store.manifest import make_manifest
from unembed.store.run import Run
from unembed.store.schema import feature_rows, token_rows
from unembed.store.shards import TOKENS, Shard, shards, write_table
from unembed.sweep import Sweep, SweepSettings, joined
from unembed.tokensets import TokenSets
from unembed.unembedding import Unembedding


def analyze(
    unembedding: Unembedding,
    features: Features | Sequence[Features],
    out: str | Path,
    *,
    token_sets: TokenSets | None = None,
    null: Null = "bank",
    settings: SweepSettings | None = None,
    enrichment: EnrichmentSettings | None = None,
    explanation: ExplanationSettings | None = None,
    overwrite: bool = False,
    progress: Progress = lambda step, done, total: None,
) -> Run:
    """Return the run of feature banks against an unembedding, written to the folder `out`.

    A run that was stopped goes on where it stopped, and ends with the same bytes; a finished
    one is returned at once. Features are finished a shard (4,096) at a time.

    Args:
        unembedding: the model's, prepared.
        features: one bank or several; their names must differ.
        out: the run folder, new or of this same run.
        token_sets: what every feature is tested against; none for the features' statistics alone.
        null: what random directions are like: each bank itself, another bank, or the identity.
        settings: tile, device, how many tokens to keep.
        enrichment: how token sets are tested, and what of it is kept.
        explanation: how features are classed and labelled, where there are token sets.
        overwrite: throw away another run in `out` first.
        progress: told how each step goes.

    Raises:
        ShapeError: when d_model of features and unembedding differ.
        TokenSetError: when the token sets are of another vocabulary.
        RunError: when `out` holds another run, or is no run.
    """
    banks = [features] if isinstance(features, Features) else list(features)
    settings = settings or SweepSettings()
    _check(banks, unembedding)
    tested = None
    if token_sets is not None:
        tested = Tested(
            unembedding, banks, token_sets, null, enrichment or EnrichmentSettings(),
            explanation or ExplanationSettings(),
        )  # fmt: skip
    folder = Path(out)
    manifest = make_manifest(unembedding, banks, settings, tested.facts if tested else None)
    with claimed(folder, manifest, overwrite=overwrite):
        if not (folder / TOKENS).is_file():
            write_table(folder / TOKENS, token_rows(unembedding))
        missing = [shard for shard in shards(manifest) if not (folder / shard.path).is_file()]
        if missing:
            sweep = Sweep(unembedding, settings)
            total = sum(len(bank) for bank in banks)
            done = total - sum(shard.stop - shard.start for shard in missing)
            if tested:
                tested.begin(folder, sweep, progress)
            for shard in missing:
                progress("Features", done, total)
                _read_shard(folder, shard, banks[shard.bank], sweep, tested, progress, done, total)
                done += shard.stop - shard.start
            progress("Features", done, total)
    return Run.open(folder)


def _read_shard(
    folder: Path, shard: Shard, bank: Features, sweep: Sweep, tested: Tested | None,
    progress: Progress, done: int, total: int,
) -> None:  # fmt: skip
    """Read one shard and write its tables, that of the features, which counts, last."""
    reader, explainer = tested.readers(shard.bank) if tested else (None, None)
    statistics, z, pairs = [], [], []
    explanations: list[Explanation] = []
    at = shard.start
    for tile in sweep.tiles(bank.W_dec[shard.start : shard.stop]):
        statistics.append(sweep.statistics(tile))
        if reader and explainer:
            scores, found = reader.read(tile)
            z.append(scores)
            pairs.append(found._replace(feature=found.feature + at))
            density = bank.log10_density
            explanations += explainer.read(
                tile, statistics[-1], found,
                None if density is None else density[at : at + len(tile.mean)],
            )  # fmt: skip
        at += len(tile.mean)
        progress("Features", done + at - shard.start, total)
    if reader and explainer:
        paths = store.shard_paths(shard.path)
        store.write_z(folder / paths.z, z)
        store.write_pairs(folder / paths.pairs, pairs)
        store.write_rate(folder / paths.claims, reader.claims)
        rows = explanation_rows(explanations, explainer.envelope)
        write_table(folder / explanation_path(shard.path), rows)
    write_table(folder / shard.path, feature_rows(bank, shard.start, joined(statistics)))


def _check(banks: Sequence[Features], unembedding: Unembedding) -> None:
    if not banks:
        raise UnembedError("There are no features to analyse: name at least one bank.")
    for bank in banks:
        check_width(bank, unembedding)
    names = [bank.name for bank in banks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnembedError(
            f"Two banks are named {twice[0]!r}, and a feature's address is bank/index. Name "
            "one of them otherwise, as NAME=REFERENCE."
        )
