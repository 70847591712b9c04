"""Where a published SAE lies: a folder or a file of its hub repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from unembed.errors import SourceError, did_you_mean
from unembed.load.hub import HubFolder
from unembed.load.published.table import Published
from unembed.load.reference import Place


def places_of_published(
    entries: Sequence[Published], path_of: Callable[[Published], str]
) -> list[Place]:
    """Return where published SAEs lie; each repository is listed once.

    Args:
        entries: of one release or several.
        path_of: the path of each in its repository, which its format knows.

    Raises:
        SourceError: when a repository cannot be reached, or does not hold it.
    """
    repositories = {entry.repo: HubFolder(entry.repo) for entry in entries}
    return [_place(repositories[entry.repo], path_of(entry), entry) for entry in entries]


def _place(repository: HubFolder, path: str, entry: Published) -> Place:
    folders, files = repository.paths()
    if path in files:
        inside = str(PurePosixPath(path).parent)
        return Place(repository.inside("" if inside == "." else inside), PurePosixPath(path).name)
    if path in folders:
        return Place(repository.inside(path))
    raise SourceError(
        f"{entry.name} should be {path} of the repository {entry.repo}, but that is not there any "
        f"more.{did_you_mean(path, folders + files)} Name where it is now, as hf:{entry.repo}/…"
    )
