"""`analyze`: every bank through the sweep, into a run folder, resuming what was begun."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unembed.analysis.device import settled
from unembed.analysis.engine import check_engine
from unembed.analysis.job import Job
from unembed.analysis.on_ray import make_on_ray
from unembed.analysis.share import WHOLE, Remaining, Share
from unembed.analysis.units import Bench, Units
from unembed.enrichment import EnrichmentSettings, Null
from unembed.explanation import ExplanationSettings
from unembed.features import Features
from unembed.progress import Progress, Report, report_of, report_within, silent
from unembed.questions import Run
from unembed.store.check import missing_tables
from unembed.store.files import RunFiles
from unembed.store.folder import claim, claim_with_others
from unembed.store.manifest import Manifest, Shard
from unembed.store.missing import Missing
from unembed.sweep import SweepSettings
from unembed.sweep.device import enough_memory
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
    engine: str | None = None,
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
        engine: where the work is done: in this program, if None; `ray`, or the address of a Ray
            cluster such as `ray://head:10001` (extra `ray`), for tasks of a cluster.
        overwrite: throw away the files of another run in `out` first, and no others.
        progress: told how each step goes.

    Raises:
        ShapeError: when d_model of features and unembedding differ.
        WeightError: when logit weights may be larger than float32 holds.
        TokenSetError: when the token sets are of another vocabulary.
        RunError: when `out` holds another run, or is no run, or the disk refuses; when shares of it
            are being made.
        UnembedError: when the engine cannot be had, or gives up.
    """
    check_engine(engine)
    settings = settled(settings or SweepSettings(), Path(out), overwrite=overwrite)
    # nothing is written before all of it fits together
    job = Job.of(
        unembedding, features, settings, token_sets=token_sets, null=null, enrichment=enrichment,
        explanation=explanation,
    )  # fmt: skip
    with claim(Path(out), job.manifest, overwrite=overwrite):
        if engine:
            make_on_ray(job, Path(out), engine, progress)
        else:
            _make(job, Path(out), WHOLE, progress)
    return Run.open(out)


def analyze_share(
    share: Share,
    unembedding: Unembedding,
    features: Features | Sequence[Features],
    out: str | Path,
    *,
    settings: SweepSettings | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Run | Remaining:
    """Make a share of a run, while other programs make others in the same folder.

    They may run on several machines that see the folder, and none waits for another: what one
    needs of the shards of the others (how many pairs have which p) and does not find it makes
    itself. The bytes are those of a run that one program made.

    Args:
        share: which one of how many.
        unembedding: the model's, prepared.
        features: one bank or several.
        out: the run folder, new or of this same run.
        settings: tile, device, how many tokens to keep.
        progress: told how each step goes.
        **options: all others of `analyze` but `engine` and `overwrite`, the same for all shares.

    Returns:
        The run where nothing is missing any more; else what is left to be made.

    Raises:
        UnembedError: as `analyze` does.
    """
    share.check()
    settings = settled(settings or SweepSettings(), Path(out))
    job = Job.of(unembedding, features, settings, **options)
    with claim_with_others(Path(out), job.manifest):
        _make(job, Path(out), share, progress)
    return _remaining(Path(out), job.manifest, share.of) or Run.open(out)


def _make(job: Job, folder: Path, share: Share, progress: Progress) -> None:
    """Make what is missing of a share, and what all shares need."""
    units = Units(Bench(job, progress), folder)
    units.write_shared()
    shards = share.shards(list(job.manifest.shards()))
    if missing := Missing.of(folder, job.manifest, shards):
        with enough_memory(job.settings.device):
            _finish(units, missing, shards, progress)


def _finish(units: Units, missing: Missing, own: Sequence[Shard], progress: Progress) -> None:
    """Take every bank that has something missing through the steps, in order."""
    job, total = units.job, sum(shard.features for shard in own)
    sizes = [len(job.banks[at]) for at in missing.banks]
    drawn = [job.sets.settings.directions if job.sets else 0] * len(sizes)
    done = total - sum(shard.features for shard in missing.shards)
    progress("Features", done, total)
    for number, at in enumerate(missing.banks):
        # test, then simulate: without either, no pair's q and no feature's class is known
        of_bank = _own_first(list(job.manifest.shards(job.banks[at].name)), own)
        units.count(
            at, of_bank, missing.of_bank(at), _of_bank(progress, "Direction test", sizes, number)
        )
        units.prepare(at, _of_bank(progress, "Null directions", drawn, number))
        # sweep, explain and write
        for shard in missing.of_bank(at):
            units.sweep(shard, report_within(report_of(progress, "Features"), done, total))
            done += shard.features


def _remaining(folder: Path, manifest: Manifest, shares: int) -> Remaining | None:
    """Return what is left of a run that is made in so many shares, None where nothing is."""
    missing, files = set(missing_tables(folder, manifest)), RunFiles(manifest)
    every = list(manifest.shards())
    lacking = [
        share
        for share in (Share(number, shares) for number in range(1, shares + 1))
        if any(not missing.isdisjoint(files.of_shard(each)) for each in share.shards(every))
    ]
    return Remaining(len(missing), tuple(lacking)) if missing else None


def _own_first(of_bank: Sequence[Shard], own: Sequence[Shard]) -> Sequence[Shard]:
    """Return the shards of a bank from the first one of a share on, and those before it.

    So several programs begin at different ones, and find most of the others counted.
    """
    first = next((at for at, shard in enumerate(of_bank) if shard in own), 0)
    return [*of_bank[first:], *of_bank[:first]]


def _of_bank(progress: Progress, step: str, sizes: Sequence[int], number: int) -> Report:
    """Return the report of a step that takes bank after bank, within one of them."""
    return report_within(report_of(progress, step), sum(sizes[:number]), sum(sizes))
