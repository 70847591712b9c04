"""Where a published SAE lies: a folder or a file of its hub repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unembed.errors import SourceError
from unembed.load.hub import HubFolder
from unembed.load.published.table import Published
from unembed.load.reference import Place, on_hub


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
    try:
        return on_hub(repository, path)
    except SourceError as error:
        raise type(error)(
            f"{entry.name} is {path} of the repository {entry.repo}. {error}"
        ) from error
