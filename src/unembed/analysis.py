"""`analyze`: every bank through the sweep, into a run folder, resuming what was begun."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from unembed.errors import UnembedError
from unembed.features import Features, check_width
from unembed.store.folder import claimed
from unembed.store.manifest import make_manifest
from unembed.store.run import Run
from unembed.store.schema import feature_rows, token_rows
from unembed.store.shards import TOKENS, shards, write_table
from unembed.sweep import Sweep, SweepSettings
from unembed.unembedding import Unembedding


def analyze(
    unembedding: Unembedding,
    features: Features | Sequence[Features],
    out: str | Path,
    *,
    settings: SweepSettings | None = None,
    overwrite: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Run:
    """Return the run of feature banks against an unembedding, written to the folder `out`.

    A run that was stopped goes on where it stopped, and ends with the same bytes; a finished
    one is returned at once. Features are finished a shard (4,096) at a time.

    Args:
        unembedding: the model's, prepared.
        features: one bank or several; their names must differ.
        out: the run folder, new or of this same run.
        settings: tile, device, how many tokens to keep.
        overwrite: throw away another run in `out` first.
        progress: told after every shard how many features it added.

    Raises:
        ShapeError: when d_model of features and unembedding differ.
        RunError: when `out` holds another run, or is no run.
    """
    banks = [features] if isinstance(features, Features) else list(features)
    settings = settings or SweepSettings()
    _check(banks, unembedding)
    folder = Path(out)
    manifest = make_manifest(unembedding, banks, settings)
    with claimed(folder, manifest, overwrite=overwrite):
        if not (folder / TOKENS).is_file():
            write_table(folder / TOKENS, token_rows(unembedding))
        sweep: Sweep | None = None
        for shard in shards(manifest):
            path = folder / shard.path
            if not path.is_file():
                sweep = sweep or Sweep(unembedding, settings)
                bank = banks[shard.bank]
                read = sweep.read(bank.W_dec[shard.start : shard.stop])
                write_table(path, feature_rows(bank, shard.start, read))
            progress(shard.stop - shard.start)
    return Run.open(folder)


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
