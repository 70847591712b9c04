"""Every file of a run, looked at from its first byte to its last: there, whole, the run's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from polars.exceptions import PolarsError

from unembed import sealed
from unembed.distant import file_at, folder_at
from unembed.errors import FormatError, RunError
from unembed.parquet import read_parquet
from unembed.progress import Report
from unembed.store import enrichment as store
from unembed.store.arrays import height_of_array
from unembed.store.check import ARRAY, check_tables, misplaced, said_of
from unembed.store.explanation import explanation_path
from unembed.store.files import LOCK, RunFiles
from unembed.store.held import PART
from unembed.store.manifest import MANIFEST, Manifest
from unembed.store.programs import is_of_program
from unembed.store.standing import kind_of

Verdict = Literal[
    "whole", "no hash", "missing", "damaged", "foreign", "unreadable", "unfinished", "other"
]
WRONG: tuple[Verdict, ...] = ("missing", "damaged", "foreign", "unreadable")
"""Verdicts on files of the run that are not as they should be."""


class Examined(NamedTuple):
    """What was found of one file.

    Attributes:
        file: its path, relative to the run folder.
        verdict: `whole`; `no hash`, readable and of the right size, which is all that can be told
            of a file of an earlier version; `missing`, `damaged`; `foreign`, of another run or
            another table; `unreadable`, the disk does not give it; `unfinished`, what a stopped
            program left of one; `other`, in the folder, and not the run's.
        bytes: its size, None where it is not there.
        rows: of the table or the array, None where it could not be read.
        problem: what is wrong with it, None where nothing is.
    """

    file: str
    verdict: Verdict
    bytes: int | None
    rows: int | None = None
    problem: str | None = None


def examine(folder: Path, report: Report = lambda done, total: None) -> list[Examined]:
    """Return what is found of every file in a run's folder: those of the run, then all others.

    Args:
        folder: of the run, which need not be finished.
        report: told how many files are done.

    Raises:
        RunError: when the folder is no run, or its manifest is damaged: nothing says then what the
            others should be.
    """
    manifest = Manifest.load(folder)
    files, rows = RunFiles(manifest), _rows(manifest)
    tables = list(files.tables)
    found = [_of_manifest(folder, manifest)]
    for done, table in enumerate(tables):
        report(done, len(tables))
        found.append(examined(folder, table, manifest, rows.get(table)))
    report(len(tables), len(tables))
    if not manifest.is_sealed and all(each.verdict == "no hash" for each in found):
        found = _checked_by_content(folder, manifest, found)
    added = [
        path for path in files.added
        if kind_of(folder / path) == "a file"
        and (folder_at(folder) is None or file_at(folder / path))
    ]  # fmt: skip
    found += [examined(folder, path, manifest) for path in added]
    return [*found, *_others(folder, {MANIFEST, *tables, *added})]


def _of_manifest(folder: Path, manifest: Manifest) -> Examined:
    """Return what is to say of a manifest that was read, and is as it was written if sealed."""
    verdict: Verdict = "whole" if manifest.is_sealed else "no hash"
    return Examined(MANIFEST, verdict, (folder / MANIFEST).stat().st_size)


def examined(folder: Path, table: str, manifest: Manifest, wanted: int | None = None) -> Examined:
    """Return what is found of one table or array of a run.

    Args:
        folder: of the run.
        table: its path.
        manifest: of the run.
        wanted: how many rows it should have, None where that is not said.
    """
    path, size = folder / table, None
    try:
        size = path.stat().st_size
        is_sealed = sealed.verify(path, required=manifest.is_sealed, anew=True)
        why = misplaced(manifest, table, said) if (said := said_of(path)) or is_sealed else None
        if why is not None:
            return Examined(table, "foreign", size, None, why)
        rows = _height(path)
    except (FileNotFoundError, NotADirectoryError):
        return Examined(table, "missing", None)
    except OSError as error:
        return Examined(table, "unreadable", size, None, error.strerror or str(error))
    except FormatError as error:
        return Examined(table, "damaged", size, None, _problem(error, path))
    except (PolarsError, RunError) as error:
        first = (str(error.__cause__ or error).splitlines() or [type(error).__name__])[0]
        return Examined(table, "damaged", size, None, f"it cannot be understood: {first}")
    if wanted is not None and rows != wanted:
        why = f"it has {rows:,} rows, and should have {wanted:,}"
        return Examined(table, "foreign", size, rows, why)
    return Examined(table, "whole" if is_sealed else "no hash", size, rows)


def _problem(error: FormatError, path: Path) -> str:
    """Return what an error says of a file, without the file's name."""
    said = str(error).removeprefix(f"{path} ").removeprefix("is damaged: ").rstrip(".")
    return said if said.startswith("it") else f"it {said}"


def _height(path: Path) -> int:
    """Return how many rows a table has, all of which is read, or an array."""
    if path.suffix == ARRAY:
        return height_of_array(path)
    return read_parquet(path).height


def _rows(manifest: Manifest) -> dict[str, int]:
    """Return how many rows tables have, of those of which the manifest says it."""
    rows: dict[str, int] = {}
    for shard in manifest.shards():
        paths = store.shard_paths(shard.path)
        arrays = (paths[kind] for kind in manifest.arrays)
        of_shard = shard.path, explanation_path(shard.path), *arrays
        rows |= dict.fromkeys(of_shard, shard.features)
        if manifest.enrichment:
            rows[paths["strongest"]] = manifest.enrichment.token_sets
            rows[paths["smallest"]] = shard.features
    if manifest.enrichment:
        effects = RunFiles(manifest).effects.values()
        rows |= dict.fromkeys(effects, manifest.enrichment.token_sets)
        for bank in manifest.names:
            by_set, by_direction = store.null_paths(bank)
            sets = manifest.enrichment.token_sets
            rows |= {store.tests_path(bank): sets, by_set: sets}
            if not manifest.features_are_tested:  # later ones have mixtures of them, too
                rows[by_direction] = manifest.enrichment.directions
    return rows


def _checked_by_content(folder: Path, manifest: Manifest, found: list[Examined]) -> list[Examined]:
    """Return what was found of an old run, whose tables say what they are by what they hold."""
    try:
        check_tables(folder, manifest)
    except RunError as error:
        return [
            each._replace(verdict="foreign", problem=str(error))
            if str(folder / each.file) in str(error)
            else each
            for each in found
        ]
    return found


def _others(folder: Path, own: set[str]) -> Iterator[Examined]:
    """Yield the files in a run's folder that are not the run's; links are named, not followed."""
    unfinished = {f"{path}{PART}" for path in own}
    for above, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(above, name)
            file = path.relative_to(folder).as_posix()
            if file in own or file == LOCK:
                continue
            left = file in unfinished or is_of_program(file)
            verdict: Verdict = "unfinished" if left else "other"
            try:
                size = path.lstat().st_size
            except FileNotFoundError:  # a program has just moved it to its place
                continue
            yield Examined(file, verdict, size)
