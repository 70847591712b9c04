"""What is left of a run whose manifest is gone: of a start that was stopped, or a removal.

Tables say of which run they are (`store.stamp`), so that this very run can take its own on again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from polars.exceptions import PolarsError

from unembed.errors import RunError
from unembed.parquet import said_of
from unembed.store.enrichment import shard_paths
from unembed.store.files import LOCK, RunFiles, listed_files
from unembed.store.manifest import Manifest, Shard
from unembed.store.stamp import RUN, TABLE
from unembed.store.standing import kind_of


def check_leftover(folder: Path, manifest: Manifest) -> None:
    """Check that a folder without a manifest holds nothing but what is left of this very run.

    Raises:
        RunError: naming what is in it besides.
        OSError: when the disk refuses.
    """
    files = RunFiles(manifest)
    tables, arrays = set(files.tables), _arrays(manifest)
    unfinished = set(files.written) - tables
    foreign = []
    for path, kind in _entries(folder, set(files.folders)):
        if kind == "a folder" or (kind == "a file" and path in {LOCK, *unfinished}):
            continue
        if kind != "a file" or path not in tables:
            foreign.append(path)
        elif path in arrays:
            if not _fits(folder, path, arrays[path], manifest):
                foreign.append(path)
        elif not _says_so(folder, path, manifest):
            foreign.append(path)
    if foreign:
        raise RunError(
            f"{folder} is there already and is no run: it has no manifest.json, but "
            f"{listed_files(foreign)}. Choose a new folder for the run; nothing in this one was "
            "touched."
        )


def forget_unproven(folder: Path, manifest: Manifest) -> None:
    """Delete the arrays of a leftover that passed `check_leftover`: they are made again.

    They are the run's by name, shape and company, which is enough to delete them, but do not say
    themselves of which run they are, which it would take to use them.
    """
    for path in _arrays(manifest):
        (folder / path).unlink(missing_ok=True)


def _arrays(manifest: Manifest) -> Mapping[str, Shard]:
    """Return the files that do not say of which run they are, with their shards."""
    if manifest.enrichment is None:
        return {}
    return {shard_paths(shard.path).z: shard for shard in manifest.shards()}


def _entries(folder: Path, inside: set[str], at: str = "") -> Iterator[tuple[str, str | None]]:
    """Yield all that is in a folder, and in those of its folders that are the run's."""
    for each in sorted((folder / at).iterdir()):
        path, kind = each.relative_to(folder).as_posix(), kind_of(each)
        if kind == "a folder" and path not in inside:
            yield path, "a folder of somebody"
            continue
        yield path, kind
        if kind == "a folder":
            yield from _entries(folder, inside, path)


def _says_so(folder: Path, path: str, manifest: Manifest) -> bool:
    with suppress(PolarsError, ValueError):
        said = said_of(folder / path)
        return said.get(RUN) == manifest.digest and said.get(TABLE) == path
    return False


def _fits(folder: Path, path: str, shard: Shard, manifest: Manifest) -> bool:
    """Return whether an array is of its shard's shape, and tables made before it the run's."""
    before = RunFiles(manifest).of_bank(manifest.names[shard.bank]).tests
    if not all(kind_of(folder / each) and _says_so(folder, each, manifest) for each in before):
        return False
    with suppress(ValueError, EOFError):
        found = np.load(folder / path, mmap_mode="r", allow_pickle=False)
        assert manifest.enrichment is not None
        wanted = (shard.features, manifest.enrichment.token_sets)
        return bool(found.dtype == np.float16 and found.shape == wanted)
    return False
