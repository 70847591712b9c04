"""`manifest.json`: what a run was made of, and whether a folder holds that very run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unembed.errors import RunError
from unembed.features import Features
from unembed.store.schema import SCHEMA_VERSION
from unembed.sweep import SweepSettings
from unembed.unembedding import Unembedding
from unembed.version import __version__

MANIFEST = "manifest.json"
SHARD_FEATURES = 4096
"""Features in a shard, the least that is lost when a run is stopped."""


_WHEREABOUTS = ("origin", "name_of_model")
"""Where weights lay does not change what they are: their hashes decide."""


def make_manifest(
    unembedding: Unembedding,
    banks: Sequence[Features],
    settings: SweepSettings,
    enrichment: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the manifest of a run: everything its tables depend on.

    Two runs with equal manifests have byte-identical tables. Hashes are of the weights as
    they were used, so that a changed file is noticed whatever it is called.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "unembed_version": __version__,
        "unembedding": {
            "name_of_model": unembedding.name,
            "d_model": unembedding.d_model,
            "tokens": unembedding.n_tokens,
            "vocabulary": unembedding.vocabulary.kind,
            "lens": unembedding.lens,
            "preparation": unembedding.preparation,
            "sha256": unembedding.digest,
        },
        "banks": [
            {
                "name": bank.name,
                "features": len(bank),
                "hook": bank.hook,
                "layer": bank.layer,
                "neuronpedia": bank.neuronpedia,
                "origin": bank.origin,
                "sha256": bank.digest,
            }
            for bank in banks
        ],
        "settings": {**asdict(settings), "shard": SHARD_FEATURES},
        **({"enrichment": enrichment} if enrichment else {}),
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run folder.

    Raises:
        RunError: when the folder is no run, or of a schema this version does not read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        what = "is not there" if not folder.exists() else f"holds no {MANIFEST}"
        raise RunError(
            f"{folder} is no run: it {what}. Make one with `unembed run MODEL FEATURES -o "
            f"{folder}`, or `unembed demo`."
        )
    try:
        manifest = json.loads(path.read_bytes())
        version = manifest["schema_version"]
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} is damaged ({error!r}). Make the run again.") from error
    if version != SCHEMA_VERSION:
        raise RunError(
            f"{folder} has schema version {version}; this unembed reads {SCHEMA_VERSION}. "
            "Make the run again, or use the version of unembed that made it "
            f"({manifest.get('unembed_version')})."
        )
    missing = [part for part in ("unembedding", "banks", "settings") if not manifest.get(part)]
    if missing:
        raise RunError(f"{path} is damaged: it has no {missing[0]!r}. Make the run again.")
    return dict(manifest)


def without_whereabouts(value: Any) -> Any:
    """Return a manifest, or a part of it, without where weights lay."""
    if isinstance(value, dict):
        kept = (key for key in value if key not in _WHEREABOUTS)
        return {key: without_whereabouts(value[key]) for key in kept}
    return [without_whereabouts(each) for each in value] if isinstance(value, list) else value


def differences(old: Any, new: Any, at: str = "") -> list[str]:
    """Return where two manifests differ, as `settings.top_k (20, now 10)`.

    Where the weights lay is left out of account.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in {**old, **new} if key not in _WHEREABOUTS]
        return [
            line
            for key in keys
            for line in differences(old.get(key), new.get(key), f"{at}.{key}".lstrip("."))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = zip(old, new, strict=True)
        return [line for i, (a, b) in enumerate(pairs) for line in differences(a, b, f"{at}[{i}]")]
    return [] if old == new else [f"{at} ({_short(old)}, now {_short(new)})"]


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} of them"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
