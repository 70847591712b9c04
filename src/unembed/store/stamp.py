"""Each table of a run says of which run it is, and which of its tables: none passes for another.

The digest is of all in the manifest that tables depend on, so that two runs of the same weights
and settings have the same bytes, wherever the weights lay.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from unembed.store.manifest import MANIFEST, without_whereabouts

RUN = "unembed.run"
TABLE = "unembed.table"
_DEEPEST = 3
"""How far below a run's folder its tables lie."""


def stamp(path: Path) -> dict[str, str]:
    """Return what a table says of itself that is written there; nothing outside of a run."""
    for folder in path.parents[:_DEEPEST]:
        manifest = folder / MANIFEST
        if manifest.is_file():
            digest = _digest_of_file(manifest, manifest.stat().st_mtime_ns)
            return {RUN: digest, TABLE: path.relative_to(folder).as_posix()}
    return {}


def digest_of(manifest: dict[str, Any]) -> str:
    """Return a hash of what a run was made of, but not of where that lay."""
    content = json.dumps(without_whereabouts(manifest), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


@lru_cache(maxsize=4)
def _digest_of_file(manifest: Path, changed: int) -> str:
    return digest_of(json.loads(manifest.read_bytes()))
