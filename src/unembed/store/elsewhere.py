"""A run on the hub, opened where it lies: its manifest comes here, and of its tables what is read.

Everything is of the one commit that the revision stood for. What was fetched lies in the cache
folder, below `runs/`, and is found again by that commit, also without a network.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from unembed import sealed
from unembed.cache import cache_folder, new_file
from unembed.distant import DistantFolder, folder_at, stand_for
from unembed.errors import RunError, SourceError, did_you_mean
from unembed.load.hub.blob import HubBlob
from unembed.load.hub.files import HubFiles
from unembed.load.hub.kinds import DATASETS
from unembed.load.hub.runs import run_address, shown_address
from unembed.store.check import check_published
from unembed.store.files import RunFiles, listed_files
from unembed.store.manifest import MANIFEST, Manifest
from unembed.store.published import MOST_PIECES_BYTES, PIECES, read_pieces

_SAID_BYTES = 4 << 20
"""What is fetched at once beyond which a bar says how far it is."""
_MOST_MANIFEST_BYTES = 16 << 20


class Elsewhere(NamedTuple):
    """A run that lies elsewhere.

    Attributes:
        folder: here, that stands for it.
        manifest: of the run.
        name: as it may be given again.
    """

    folder: Path
    manifest: Manifest
    name: str


def open_elsewhere(reference: str) -> Elsewhere:
    """Return a run on the hub; its tables are fetched as they are read.

    Args:
        reference: such as `hf:org/name@revision/folder` (`load.hub.runs`).

    Raises:
        SourceError: when it names no place on the hub, or that cannot be reached and was never
            seen.
        RunError: when there is no finished run there, or it was not put there by `unembed publish`.
    """
    address = run_address(reference)
    name = shown_address(address)
    hub = HubFiles(address, name)
    if MANIFEST not in hub.files:
        raise _no_run(hub, name)
    plain = address.repo.removeprefix(DATASETS)
    folder = cache_folder().absolute() / "runs" / plain / hub.commit / address.inside
    manifest = _manifest(hub, folder)
    if folder_at(folder) is None:
        _stand_for(hub, folder, manifest)
    return Elsewhere(folder, manifest, name)


def _manifest(hub: HubFiles, folder: Path) -> Manifest:
    """Return the run's manifest, fetched once: at a commit it never changes."""
    with suppress(RunError):
        return Manifest.load(folder)
    _keep(hub.blob(MANIFEST), folder / MANIFEST, _MOST_MANIFEST_BYTES)
    return Manifest.load(folder)


def _stand_for(hub: HubFiles, folder: Path, manifest: Manifest) -> None:
    """Let a folder here stand for the run, of which its manifest is there already."""
    if PIECES not in hub.files:
        raise RunError(
            f"{hub.name} holds a run, but not as `unembed publish` puts it there: {PIECES} is "
            "missing, without which no part of a table can be verified. Download the whole run "
            "(`hf download … --repo-type dataset --local-dir FOLDER`), and open its folder."
        )
    if not sealed.is_whole(folder / PIECES, required=True):
        _keep(hub.blob(PIECES), folder / PIECES, MOST_PIECES_BYTES)
    files = read_pieces(folder / PIECES, manifest, hub.name)
    missing = [table for table in RunFiles(manifest).tables if table not in files]
    missing += [file for file in files if file not in hub.files]
    if missing:
        raise RunError(
            f"{hub.name} is not finished: {len(missing):,} of its files are missing, "
            f"{listed_files(missing)}. Whoever published it has to give the command again."
        )
    blobs = {file: hub.blob(file) for file in files}

    def fetch(file: str, start: int, stop: int) -> bytes:
        what = f"{file} of {hub.name}" if stop - start > _SAID_BYTES else None
        try:
            return blobs[file].fetched(start, stop, what)
        except SourceError as error:
            raise RunError(str(error)) from error

    standing = DistantFolder(
        folder, hub.name, files, fetch, lambda table: check_published(folder, manifest, table)
    )
    stand_for(standing)


def _keep(blob: HubBlob, path: Path, most: int) -> None:
    """Have a whole file here, which is small."""
    if blob.size > most:
        raise RunError(f"{blob.name} has {blob.size:,} bytes, and may have {most:,}.")
    raw = blob.fetched(0, blob.size)
    try:
        with new_file(path) as part:
            part.write_bytes(raw)
    except OSError as error:
        raise RunError(
            f"{path} cannot be written: {error}. UNEMBED_CACHE names another."
        ) from error


def _no_run(hub: HubFiles, name: str) -> RunError:
    runs = sorted(
        path.rpartition("/")[0] or "its root"
        for path in hub.all_files
        if path.rpartition("/")[2] == MANIFEST
    )
    wanted = name.partition("/")[2].partition("/")[2]
    there = f" There are runs in {listed_files(runs)}.{did_you_mean(wanted, runs)}" if runs else ""
    return RunError(
        f"{name} is no run: it holds no {MANIFEST}.{there} A run is put there by "
        "`unembed publish RUN hf:ORG/NAME`."
    )
