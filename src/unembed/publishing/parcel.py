"""All that goes out of a run, packed: each file by its path there, and what was changed in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from unembed.distant import Known, hashes_of
from unembed.errors import RunError
from unembed.load.hub.runs import run_address, shown_address
from unembed.parquet import read_parquet, write_parquet
from unembed.progress import Progress, silent
from unembed.publishing.beside import write_overview, write_tables
from unembed.publishing.card import CARD, PICTURES, About, card
from unembed.publishing.pictures import pictures
from unembed.publishing.private import (
    Change,
    added_without_places,
    texts_without_places,
    without_places,
)
from unembed.store.enrichment import TOKEN_SETS
from unembed.store.examine import WRONG, examine
from unembed.store.files import RunFiles, listed_files
from unembed.store.manifest import MANIFEST, Manifest
from unembed.store.published import PIECES, write_beside, write_pieces
from unembed.store.read_added import read_added
from unembed.store.stamp import RUN, TABLE
from unembed.store.tables import RunTables


@dataclass(frozen=True)
class Parcel:
    """What goes out.

    Attributes:
        place: `hf:org/name`, with revision and folder where these are meant.
        files: each file's path on this disk by its path there, below the folder.
        changes: texts that go out otherwise than they stand in the run.
    """

    place: str
    files: dict[str, Path]
    changes: list[Change]

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each file."""
        return {path: file.stat().st_size for path, file in self.files.items()}

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(self.sizes.values())


@contextmanager
def pack(
    run: RunTables, place: str, about: About | None = None, progress: Progress = silent
) -> Iterator[Parcel]:
    """Yield what would be published of a run; what is made for it is there that long.

    Every file of the run is read and verified first. The run itself is not changed.

    Args:
        run: a finished run in a folder.
        place: where it will be, such as `hf:org/name`.
        about: what its maker says of it.
        progress: told how far the steps are.

    Raises:
        RunError: when a file of it is damaged or missing, or it lies on the hub.
        SourceError: when the place is none.
    """
    address = run_address(place)
    place = shown_address(address)
    if run.elsewhere is not None:
        raise RunError(
            f"{run.place} is published already. Copy the repository on the hub, or publish the "
            "run's own folder."
        )
    _check(run, progress)
    with TemporaryDirectory(prefix="unembed-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        manifest, changes = without_places(run.manifest)
        (folder / MANIFEST).write_text(manifest.dump(), encoding="utf-8")
        files = {path: run.path / path for path in RunFiles(manifest).tables}
        files[MANIFEST] = folder / MANIFEST
        if run.has_enrichment:
            changes += _token_sets(run, folder, files)
        changes += _added(run, folder, files)
        beside = [*write_tables(run, folder, progress), *write_overview(run, manifest, folder)]
        files |= {path: folder / path for path in beside}
        progress("Hashes of pieces", 0, len(files))
        write_pieces(folder, manifest, _known(files, progress))
        files[PIECES] = folder / PIECES
        files |= _page(run, manifest, about or About(), place, address.inside, folder)
        yield Parcel(place, dict(sorted(files.items())), changes)


def _check(run: RunTables, progress: Progress) -> None:
    found = examine(run.path, lambda done, total: progress("Checking the run", done, total))
    if wrong := [each for each in found if each.verdict in WRONG]:
        raise RunError(
            f"{run.place} is not whole, and was not published: {wrong[0].file} is "
            f"{wrong[0].verdict}{f' ({wrong[0].problem})' if wrong[0].problem else ''}. "
            f"`unembed check` shows all of it: {listed_files(each.file for each in wrong)}."
        )


def _token_sets(run: RunTables, folder: Path, files: dict[str, Path]) -> list[Change]:
    """Put a table of token sets without folders of this machine in place of the run's."""
    table, changes = texts_without_places(read_parquet(run.path / TOKEN_SETS), run.manifest)
    if changes:
        said = {RUN: run.manifest.digest, TABLE: TOKEN_SETS} if run.manifest.is_sealed else {}
        write_parquet(folder / TOKEN_SETS, table, said)
        files[TOKEN_SETS] = folder / TOKEN_SETS
    return changes


def _added(run: RunTables, folder: Path, files: dict[str, Path]) -> list[Change]:
    """Put the tables that the run was given among its files, without folders of this machine."""
    changes = []
    for path in RunFiles(run.manifest).added:
        found = read_added(run.path, run.manifest, path)
        if found is None:
            continue
        files[path] = run.path / path
        table, changed = added_without_places(found, path, run.manifest)
        if changed:
            write_beside(folder, run.manifest, path, table)
            files[path] = folder / path
        changes += changed
    return changes


def _known(files: dict[str, Path], progress: Progress) -> dict[str, Known]:
    """Return what is published of each file that is read by pieces: all but the manifest."""
    found = {}
    for done, (path, file) in enumerate(files.items(), 1):
        if path != MANIFEST:
            found[path] = hashes_of(file)
        progress("Hashes of pieces", done, len(files))
    return found


def _page(
    run: RunTables, manifest: Manifest, about: About, place: str, inside: str, folder: Path
) -> dict[str, Path]:
    """Write the page that people see, and its pictures, and return them by their paths."""
    drawn = pictures(run)
    (folder / PICTURES).mkdir()
    for name, text in drawn.items():
        (folder / PICTURES / name).write_text(text, encoding="utf-8")
    text = card(replace(run, manifest=manifest), about, drawn, place, inside)
    (folder / CARD).write_text(text, encoding="utf-8")
    paths = [CARD, *(f"{PICTURES}/{name}" for name in drawn)]
    return {path: folder / path for path in paths}
