"""What a run found, and how far that can be trusted: counts of what passes, and the checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unembed.enrichment.claims import Claims
from unembed.enrichment.discovery_rate import LEVELS, DiscoveryRate
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.store import enrichment as store
from unembed.store.explanation import explanation_path
from unembed.store.files import RunFiles
from unembed.store.manifest import Manifest
from unembed.store.shards import read_table

F64 = npt.NDArray[np.float64]


def discoveries(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Return what a run found of token sets (see `RunTables.discoveries`)."""
    names, files = manifest.names, RunFiles(manifest)
    rates = [store.read_rate(folder / path for path in files.rates(bank)) for bank in names]
    nulls = {bank: store.read_null(folder, bank) for bank in names}
    found = nulls.items()
    return {
        "pairs": sum(rate.pairs for rate in rates),
        "passing": _passing(rates),
        "features": _features(folder, manifest),
        "permuted": _permuted(folder, manifest),
        **_claims(folder, manifest),
        "nulls": {bank: _check_of(null, manifest) for bank, null in found if null is not None},
        "checks": _checks(folder, manifest),
    }


def _features(folder: Path, manifest: Manifest) -> dict[str, int] | None:
    """Return how many features pass at each level; None where they were not tested."""
    if not (manifest.features_are_tested and manifest.is_explained):
        return None
    paths = [folder / explanation_path(shard.path) for shard in manifest.shards()]
    log10_q = read_table(*paths, columns=["log10_q"])["log10_q"]
    return {str(level): int((log10_q <= np.log10(level)).sum()) for level in LEVELS}


def _permuted(folder: Path, manifest: Manifest) -> dict[str, Any] | None:
    """Return what would pass if tokens changed places, at each level, with the standard error."""
    if not manifest.features_are_tested:
        return None
    of_banks = [
        store.read_permuted(folder / store.permuted_path(bank.name)).expected(bank.features)
        for bank in manifest.banks
    ]
    pairs, features, errors = (np.stack(column) for column in zip(*of_banks, strict=True))
    return {
        "pairs": _by_level(pairs.sum(0)),
        "features": _by_level(features.sum(0)),
        "error": _by_level(_together(errors)),
    }


def _checks(folder: Path, manifest: Manifest) -> dict[str, list[dict[str, Any]]]:
    """Return what the checks of each bank's test found."""
    if not manifest.features_are_tested:
        return {}
    return {
        bank: read_table(folder / store.checks_path(bank)).to_dicts() for bank in manifest.names
    }


def _claims(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Return what the classical null claims: counted over all pairs, or told from a sample."""
    found: dict[str, Any] = {}
    if manifest.claims_are_sampled:
        paths = (folder / store.claims_path(bank) for bank in manifest.names)
        sizes = (bank.features for bank in manifest.banks)
        found = _expected(list(zip(map(store.read_claims, paths), sizes, strict=True)))
    elif manifest.claims_are_counted:
        rates = [
            store.read_rate(
                folder / store.shard_paths(shard.path)["claims"] for shard in manifest.shards(bank)
            )
            for bank in manifest.names
        ]
        if any(rate.pairs for rate in rates):
            found = {"classical": _passing(rates)}
    return {**dict.fromkeys(("classical", "classical_error", "classical_features")), **found}


def _passing(rates: Iterable[DiscoveryRate]) -> dict[str, int]:
    """Return how many pairs pass at each level, each by the rate of its own bank."""
    counts = [rate.passing(*LEVELS) for rate in rates]
    return {str(level): sum(of) for level, *of in zip(LEVELS, *counts, strict=True)}


def _expected(samples: Sequence[tuple[Claims, int]]) -> dict[str, Any]:
    """Return how many pairs would pass at each level, and the standard error, told from samples.

    Args:
        samples: of each bank, with how many features the bank has.
    """
    counts, errors = (
        np.stack(column)
        for column in zip(*(claims.expected(size) for claims, size in samples), strict=True)
    )
    return {
        "classical": _by_level(counts.sum(0)),
        "classical_error": _by_level(_together(errors)),
        "classical_features": sum(len(claims.feature) for claims, _ in samples),
    }


def _together(errors: F64) -> F64:
    """Return the standard errors of sums over banks, by those of each bank [banks, levels]."""
    total: F64 = np.sqrt((errors**2).sum(0))
    return total


def _by_level(counts: F64) -> dict[str, int]:
    return {str(level): round(count) for level, count in zip(LEVELS, counts, strict=True)}


def _check_of(null: SimulatedNull, manifest: Manifest) -> dict[str, Any]:
    """Return what the random directions of a bank say of the direction test's closed form."""
    assert manifest.enrichment is not None
    least, median, most = np.quantile(null.z_sd, (0, 0.5, 1))
    return {
        "directions": manifest.enrichment.directions,
        "z_sd": {"min": float(least), "median": float(median), "max": float(most)},
        "beyond_1_percent": float(null.z_beyond.mean()),
    }
