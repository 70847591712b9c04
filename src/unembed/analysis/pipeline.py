"""`analyze`: every bank through the sweep, into a run folder, resuming what was begun."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from unembed.analysis.bank import BankSteps
from unembed.analysis.sets import RunSets
from unembed.analysis.shard import sweep_shard
from unembed.enrichment import EnrichmentSettings, Null
from unembed.errors import UnembedError
from unembed.explanation import ExplanationSettings
from unembed.features import Features, check_size, check_width
from unembed.progress import Progress, Report, report_of, report_within, silent
from unembed.questions import Run
from unembed.store import Manifest
from unembed.store.arrays import write_array
from unembed.store.enrichment import EFFECTS, TOKEN_SETS
from unembed.store.folder import claim
from unembed.store.kept import keep
from unembed.store.missing import Missing
from unembed.store.schema import token_rows
from unembed.store.shards import TOKENS, write_table
from unembed.sweep import Sweep, SweepSettings
from unembed.tokensets import TokenSets
from unembed.tokensets.frame import to_frame
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
    progress: Progress = silent,
) -> Run:
    """Return the run of feature banks against an unembedding, written to the folder `out`.

    A run that was stopped goes on where it stopped, and ends with the same bytes; a finished
    one is returned at once. Files that are missing or damaged are made again, whichever they are.
    Features are finished a shard (4,096) at a time.

    Args:
        unembedding: the model's, prepared.
        features: one bank or several; their names must differ.
        out: the run folder, new or of this same run.
        token_sets: what every feature is tested against; none for the features' statistics alone.
        null: what random directions are like: each bank itself, another bank, or the identity.
        settings: tile, device, how many tokens to keep.
        enrichment: how token sets are tested, and what of it is kept.
        explanation: how features are classed and labelled, where there are token sets.
        overwrite: throw away the files of another run in `out` first, and no others.
        progress: told how each step goes.

    Raises:
        ShapeError: when d_model of features and unembedding differ.
        WeightError: when logit weights may be larger than float32 holds.
        TokenSetError: when the token sets are of another vocabulary.
        RunError: when `out` holds another run, or is no run, or the disk refuses.
    """
    # prepare: nothing is written before all of it fits together
    banks = [features] if isinstance(features, Features) else list(features)
    settings, folder = settings or SweepSettings(), Path(out)
    _check(banks, unembedding)
    sets = None
    if token_sets is not None:
        sets = RunSets.of(token_sets, unembedding, banks, null, enrichment, explanation)
    manifest = Manifest.of(unembedding, banks, settings, sets.facts if sets else None)

    with claim(folder, manifest, overwrite=overwrite):
        _share(folder, manifest, unembedding, sets)
        if missing := Missing.of(folder, manifest):
            sweep = Sweep(unembedding, settings)
            _finish(folder, manifest, missing, banks, sets, sweep, progress)
    return Run.open(folder)


def _share(
    folder: Path, manifest: Manifest, unembedding: Unembedding, sets: RunSets | None
) -> None:
    """Write the tables that all banks share."""
    tokens, of_sets, effects = folder / TOKENS, folder / TOKEN_SETS, folder / EFFECTS
    keep([tokens], lambda: write_table(tokens, token_rows(unembedding)))
    if sets:
        keep([of_sets], lambda: write_table(of_sets, to_frame(sets.token_sets)))
        if manifest.z_is_factored:
            keep([effects], lambda: write_array(effects, [sets.effects.delta], np.float32))


def _finish(
    folder: Path,
    manifest: Manifest,
    missing: Missing,
    banks: Sequence[Features],
    sets: RunSets | None,
    sweep: Sweep,
    progress: Progress,
) -> None:
    """Take every bank that has something missing through the steps, in order."""
    tokens = None
    if sets:
        tokens = sets.token_null(report_of(progress, "Token null"))
    done = manifest.features - sum(shard.features for shard in missing.shards)
    progress("Features", done, manifest.features)
    for at in missing.banks:
        bank = banks[at]
        # test, then simulate: without either, no pair's q and no feature's class is known
        of_sets = None
        if sets:
            steps = BankSteps(folder, bank, at, sets, sweep)
            sizes = [len(each) for each in banks]
            rate, passing = steps.test(_of_bank(progress, "Direction test", sizes, at))
            drawn = [sets.settings.directions] * len(banks)
            null = steps.simulate(passing, _of_bank(progress, "Null directions", drawn, at))
            steps.claim(tokens)
            of_sets = partial(steps.readers, rate, passing, null, tokens)
        # sweep, explain and write, a shard at a time
        for shard in missing.of_bank(at):
            report = report_within(report_of(progress, "Features"), done, manifest.features)
            readers = of_sets() if of_sets else None
            sweep_shard(folder, manifest, shard, bank, sweep, readers, report)
            done += shard.features


def _of_bank(progress: Progress, step: str, sizes: Sequence[int], at: int) -> Report:
    """Return the report of a step that takes bank after bank, within one of them."""
    return report_within(report_of(progress, step), sum(sizes[:at]), sum(sizes))


def _check(banks: Sequence[Features], unembedding: Unembedding) -> None:
    if not banks:
        raise UnembedError("There are no features to analyse: name at least one bank.")
    for bank in banks:
        check_width(bank, unembedding)
        check_size(bank, unembedding)
    names = [bank.name for bank in banks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnembedError(
            f"Two banks are named {twice[0]!r}, and a feature's address is bank/index. Name "
            "one of them otherwise, as NAME=REFERENCE."
        )
