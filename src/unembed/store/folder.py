"""A run's folder: taken for one run, and never for two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from unembed.errors import RunError
from unembed.store.atomic import PART, write_atomically
from unembed.store.enrichment import TOKEN_SETS
from unembed.store.manifest import FEATURES, MANIFEST, Manifest
from unembed.store.shards import TOKENS

LOCK = ".lock"


@contextmanager
def claim(folder: Path, manifest: Manifest, *, overwrite: bool = False) -> Iterator[None]:
    """Hold a run folder for writing: its manifest is there, and no one else writes to it.

    Args:
        folder: new, empty, or a run's.
        manifest: of the run that will be written there.
        overwrite: throw away the tables of the run that is there; other files stay.

    Raises:
        RunError: when the folder holds another run, or files that are no run, or is being
            written to, or cannot be.
    """
    _check_free(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=0):
            _take(folder, manifest, overwrite)
            yield
    except Timeout as error:
        raise RunError(
            f"Another unembed is writing to {folder}. Wait until it is done, or choose another "
            "folder."
        ) from error
    except OSError as error:
        raise RunError(
            f"{folder} cannot be written to: {error.strerror or error}. Choose another folder."
        ) from error


def _check_free(folder: Path) -> None:
    """Check that a folder without a manifest holds nothing but what a stopped start left."""
    if (folder / MANIFEST).exists() or not folder.exists():
        return
    if not folder.is_dir() or any(
        path.name != LOCK and path.suffix != PART for path in folder.iterdir()
    ):
        raise RunError(
            f"{folder} is there already and is no run. Choose a new folder for the run; nothing "
            "in this one was touched."
        )


def _take(folder: Path, manifest: Manifest, overwrite: bool) -> None:
    path = folder / MANIFEST
    if path.exists():
        if not overwrite:
            _check_same(folder, manifest)
            return
        for table in _tables(folder):
            table.unlink(missing_ok=True)
    write_atomically(path, lambda part: part.write_text(manifest.dump(), encoding="utf-8"))


_EXTRA = ("enrichment", "explanations", "null")
"""Folders of tables beside the features'."""


def _tables(folder: Path) -> list[Path]:
    """Return the tables of the run in a folder, which may be damaged or of another schema."""
    try:
        paths = [folder / shard.path for shard in Manifest.load(folder).shards()]
    except RunError:
        paths = sorted((folder / FEATURES).glob("*.parquet"))
    extra = [path for part in _EXTRA for path in (folder / part).rglob("*.*")]
    return [folder / TOKENS, folder / TOKEN_SETS, *paths, *filter(Path.is_file, extra)]


def _check_same(folder: Path, manifest: Manifest) -> None:
    found = Manifest.load(folder).differences(manifest)
    if found:
        raise RunError(
            f"{folder} holds another run. It differs in {'; '.join(found[:6])}. Choose another "
            "folder, or start over with --overwrite."
        )
