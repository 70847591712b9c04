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
    folder = _run_of(path)
    if folder is None:
        return {}
    return {RUN: _manifest(folder).digest, TABLE: path.relative_to(folder).as_posix()}


def must_be_sealed(path: Path) -> bool:
    """Return whether a table carries a hash: all do but those of runs of earlier versions."""
    folder = _run_of(path)
    return folder is not None and _manifest(folder).is_sealed


def _run_of(path: Path) -> Path | None:
    """Return the folder of the run that a table is of, None outside of a run."""
    return next((each for each in path.parents[:_DEEPEST] if (each / MANIFEST).is_file()), None)


def _manifest(folder: Path) -> Manifest:
    return _loaded(folder, (folder / MANIFEST).stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _loaded(folder: Path, changed: int) -> Manifest:
    return Manifest.load(folder)
