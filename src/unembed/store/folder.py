"""A run's folder: taken for one run, and never for two, nor for anything that is no run.

What is the run's are the names that its manifest stands for (`store.files`), plain files in real
folders. All else in the folder is somebody's, and is neither deleted nor written over; where it
stands in the run's way, the run is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unembed.disk import refused, told
from unembed.distant import folder_at
from unembed.errors import RunError
from unembed.store.atomic import write_atomically
from unembed.store.check import check_tables
from unembed.store.files import LOCK, RunFiles, check_distinct, listed_files
from unembed.store.held import Hold, held, is_marked, mark_of
from unembed.store.leftover import check_leftover
from unembed.store.manifest import MADE, MANIFEST, Manifest
from unembed.store.programs import check_lock, clear_places, take_place
from unembed.store.standing import check_way, is_file, kind_of

_PATIENCE = 60
"""Seconds that a program waits for another one that looks over a folder, and leaves it to all."""


@contextmanager
def claim(folder: Path, manifest: Manifest, *, overwrite: bool = False) -> Iterator[None]:
    """Hold a run folder for writing: its manifest is there, and no other program writes to it.

    A folder that is itself a link is followed; links inside it are not.

    Args:
        folder: new, empty, or a run's.
        manifest: of the run that will be written there.
        overwrite: throw away the files of the run that is there; all others stay.

    Raises:
        RunError: when the folder holds another run, or what is no run, or is being written to, or
            cannot be. Nothing was touched then.
    """
    _look(folder, manifest, overwrite)
    with _locked(folder):
        with told(folder, "cannot be written to", RunError):
            _check(folder, manifest, overwrite)
            if writing := clear_places(folder):
                raise RunError(
                    f"{writing} other program{'s' * (writing > 1)} of unembed "
                    f"{'are' if writing > 1 else 'is'} making shares of the run in {folder}. Wait "
                    "until they are done; or make a share of it, too (--shard)."
                )
            _take(folder, manifest, overwrite)
            _clear_unfinished(folder, manifest)
        with held(folder, folder / LOCK) as hold:
            _rely_on_tables(hold, folder, manifest)
            yield


@contextmanager
def claim_with_others(folder: Path, manifest: Manifest) -> Iterator[None]:
    """Hold a run folder for writing beside other programs that make the same run.

    Args:
        folder: new, empty, or of this run.
        manifest: of the run.

    Raises:
        RunError: as `claim` does; when a program writes to it that wants it for itself.
    """
    _look(folder, manifest)
    with _locked(folder, _PATIENCE), told(folder, "cannot be written to", RunError):
        _check(folder, manifest)
        if not clear_places(folder):
            _clear_unfinished(folder, manifest)
        _take(folder, manifest)
        place = take_place(folder)
        mark = mark_of(place.path)
    try:
        with held(folder, place.path, place.part) as hold:
            _rely_on_tables(hold, folder, manifest)
            yield
    finally:
        # what cannot be put away now, whoever comes next does
        with suppress(RunError, OSError):
            if is_marked(place.path, mark):
                with _locked(folder, _PATIENCE):
                    if is_marked(place.path, mark):
                        place.clear()
                        clear_places(folder)
        with suppress(OSError):
            place.lock.release()


@contextmanager
def adding(folder: Path, *paths: str) -> Iterator[None]:
    """Hold a finished run for a moment, to give it tables that it is finished without.

    Args:
        folder: of the run.
        paths: of the tables, relative to it.

    Raises:
        RunError: when the folder cannot be written to, stands for a run on the hub, or another
            program writes to it.
    """
    with _locked(folder, _PATIENCE):
        with told(folder, "cannot be written to", RunError):
            check_lock(folder / LOCK)
            for path in paths:
                check_way(folder, path)
        yield


def check_is_here(folder: Path) -> None:
    """Check that a run's folder is its own, and does not stand for one on the hub.

    Raises:
        RunError: when it does: what was written there would be in the cache, and in no run.
    """
    if (far := folder_at(folder)) is not None:
        raise RunError(
            f"{far.name} lies on the hub, and nothing can be kept in it from here. Download it "
            "(`hf download ORG/NAME --repo-type dataset --local-dir FOLDER`), and name its folder."
        )


def _rely_on_tables(hold: Hold, folder: Path, manifest: Manifest) -> None:
    """Check the tables that are there, and let none be written once the manifest is another.

    Raises:
        RunError: when one belongs elsewhere, or cannot be read.
    """
    with told(folder, "cannot be read", RunError):
        hold.rely_on(folder / MANIFEST)
        check_tables(folder, manifest, heal=True)


def _look(folder: Path, manifest: Manifest, overwrite: bool = False) -> None:
    """Check that a folder may be taken, before anything in it is touched, its lock too.

    Raises:
        RunError: when it may not.
    """
    files = RunFiles(manifest)
    check_distinct(files)
    with told(folder, "cannot be read", RunError):
        _check(folder, manifest, overwrite)
        if not overwrite:
            for path in files.tables:
                is_file(folder / path)


@contextmanager
def _locked(folder: Path, timeout: float = 0) -> Iterator[None]:
    """Hold the lock of a run's folder, which is made if it is not there."""
    check_is_here(folder)
    lock = FileLock(folder / LOCK, timeout=timeout)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RunError(
            f"Another unembed is writing to {folder}. Wait until it is done, or choose another "
            "folder."
        ) from error
    except NotImplementedError as error:
        raise RunError(
            f"{folder} cannot be locked: its disk knows no locks. Choose another place."
        ) from error
    except OSError as error:
        raise RunError(f"{folder} cannot be written to: {refused(error)}") from error
    try:
        yield
    finally:
        with suppress(OSError):  # of a folder that is gone there is nothing to release
            lock.release()


def _check(folder: Path, manifest: Manifest, overwrite: bool = False) -> None:
    """Check that a folder may be taken, without changing anything in it.

    Raises:
        RunError: when it may not.
        OSError: when the disk refuses.
    """
    if kind_of(folder) is None:
        return
    if not folder.is_dir():
        raise RunError(f"{folder} is there already and is no folder. Choose another one.")
    check_lock(folder / LOCK)
    if kind_of(folder / MANIFEST) is None:
        try:
            check_leftover(folder, manifest)
        except RunError:
            if kind_of(folder / MANIFEST) is None:
                raise
            # another program has begun the run meanwhile
        else:
            return
    check_way(folder, MANIFEST)
    if overwrite:
        _check_clear(folder, manifest)
    else:
        _check_same(folder, manifest)


def _check_same(folder: Path, manifest: Manifest) -> None:
    """Check that the run in a folder is this one."""
    there = Manifest.load(folder)
    if there.schema_version not in MADE:
        raise RunError(
            f"{folder} holds a run of schema {there.schema_version}, which unembed "
            f"{there.unembed_version} made. This version reads it as it is, but makes runs of "
            f"schema {manifest.schema_version}, whose numbers differ in their last digits, and "
            "mixes no two of them. To finish it use the version that made it; or choose another "
            "folder, or start over with --overwrite."
        )
    found = there.differences(manifest)
    if found:
        raise RunError(
            f"{folder} holds another run. It differs in {'; '.join(found[:6])}. Choose another "
            f"folder, or start over with --overwrite.{_of_device(there, found)}"
        )


def _of_device(there: Manifest, differences: list[str]) -> str:
    """Return what is to be done where two runs differ in the kind of their device alone."""
    if len(differences) > 1 or not differences[0].startswith("settings.device "):
        return ""
    kind = there.settings.device.partition(":")[0]
    return f" It is the same run but for that: with --device {kind} it goes on."


def _check_clear(folder: Path, manifest: Manifest) -> None:
    """Check that the files of the run in a folder can go, and those of another one come."""
    old = set(RunFiles(Manifest.load(folder)).written)
    for path in sorted(old):
        if check_way(folder, path) and not os.access((folder / path).parent, os.W_OK | os.X_OK):
            raise RunError(
                f"{(folder / path).parent} may not be written to. Nothing was touched. Change its "
                "permissions, or choose another folder."
            )
    new = set(RunFiles(manifest).written)
    there = [path for path in sorted(new - old) if check_way(folder, path)]
    if there:
        raise RunError(
            f"{folder} has files that are not of the run in it, and that the new run would write: "
            f"{listed_files(there)}. Nothing was touched. Move them away, or choose another folder."
        )


def _take(folder: Path, manifest: Manifest, overwrite: bool = False) -> None:
    path = folder / MANIFEST
    if path.exists():
        if not overwrite:
            return
        _clear(folder, RunFiles(Manifest.load(folder)))
    write_atomically(path, lambda part: part.write_text(manifest.dump(), encoding="utf-8"))


def _clear_unfinished(folder: Path, manifest: Manifest) -> None:
    """Delete what a program that was stopped had begun to write: it may not be written again."""
    for path in RunFiles(manifest).unfinished:
        if kind_of(folder / path) == "a file":
            (folder / path).unlink()


def _clear(folder: Path, files: RunFiles) -> None:
    """Delete the files of a run, all but its manifest, and the folders that are empty then."""
    for path in files.written:
        if path != MANIFEST:
            (folder / path).unlink(missing_ok=True)
    for path in files.folders:
        with suppress(OSError):  # somebody has something in it
            (folder / path).rmdir()
