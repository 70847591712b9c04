"""What is left of a run whose manifest is gone: of a start that was stopped, or a removal.

Tables say of which run they are (`store.stamp`), so that this very run can take its own on again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from polars.exceptions import PolarsError

from unembed.errors import FormatError, RunError
from unembed.store.check import misplaced, said_of
from unembed.store.files import LOCK, RunFiles, listed_files
from unembed.store.manifest import Manifest
from unembed.store.programs import PROGRAMS, is_of_program
from unembed.store.standing import kind_of


def check_leftover(folder: Path, manifest: Manifest) -> None:
    """Check that a folder without a manifest holds nothing but what is left of this very run.

    Raises:
        RunError: naming what is in it besides.
        OSError: when the disk refuses.
    """
    files = RunFiles(manifest)
    tables, unfinished = {*files.tables, *files.added}, set(files.unfinished)
    foreign = []
    for path, kind in _entries(folder, {*files.folders, PROGRAMS}):
        ours = path in {LOCK, *unfinished} or is_of_program(path)
        if kind == "a folder" or (kind == "a file" and ours):
            continue
        if kind != "a file" or path not in tables or not _says_so(folder, path, manifest):
            foreign.append(path)
    if foreign:
        raise RunError(
            f"{folder} is there already and is no run: it has no manifest.json, but "
            f"{listed_files(foreign)}. Choose a new folder for the run; nothing in this one was "
            "touched."
        )


def _entries(folder: Path, inside: set[str], at: str = "") -> Iterator[tuple[str, str | None]]:
    """Yield all that is in a folder, and in those of its folders that are the run's."""
    inside_it: list[Path] = []
    with suppress(FileNotFoundError):  # another program has just removed it
        inside_it += sorted((folder / at).iterdir())
    for each in inside_it:
        path, kind = each.relative_to(folder).as_posix(), kind_of(each)
        if kind is None:  # another program has just moved it to its place
            continue
        if kind == "a folder" and path not in inside:
            yield path, "a folder of somebody"
            continue
        yield path, kind
        if kind == "a folder":
            yield from _entries(folder, inside, path)


def _says_so(folder: Path, path: str, manifest: Manifest) -> bool:
    with suppress(PolarsError, ValueError, FormatError):
        return misplaced(manifest, path, said_of(folder / path)) is None
    return False
