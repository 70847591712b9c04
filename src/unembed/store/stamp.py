"""Each table of a run says of which run it is, and which of its tables: none passes for another.

The digest is of all in the manifest that tables depend on (`Manifest.digest`), so that two runs of
the same weights and settings have the same bytes, wherever the weights lay.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from unembed.store.manifest import MANIFEST, Manifest

RUN = "unembed.run"
TABLE = "unembed.table"
_DEEPEST = 3
"""How far below a run's folder its tables lie."""


def stamp(path: Path) -> dict[str, str]:
    """Return what a table says of itself that is written there; nothing outside of a run."""
    for folder in path.parents[:_DEEPEST]:
        manifest = folder / MANIFEST
        if manifest.is_file():
            digest = _digest_in(folder, manifest.stat().st_mtime_ns)
            return {RUN: digest, TABLE: path.relative_to(folder).as_posix()}
    return {}


@lru_cache(maxsize=4)
def _digest_in(folder: Path, changed: int) -> str:
    return Manifest.load(folder).digest
