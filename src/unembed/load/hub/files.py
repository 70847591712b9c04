"""The files of a repository at one commit, of which bytes are read: no tensors, and no torch."""

from __future__ import annotations

from functools import cached_property

import huggingface_hub

from unembed.cache import cache_folder
from unembed.load.hub.address import Address
from unembed.load.hub.blob import HubBlob
from unembed.load.hub.errors import hub_errors
from unembed.load.hub.kinds import repository
from unembed.load.hub.listing import Listing, listing_of


class HubFiles:
    """The files in a folder of a repository, at the commit that its revision stands for.

    What the hub says of a revision is kept, and serves where it cannot be reached later.

    Args:
        address: of the folder.
        name: that errors call it by.

    Raises:
        SourceError: at the first look, when the repository or revision is not there, needs a login,
            or cannot be reached and was never seen.
    """

    def __init__(self, address: Address, name: str) -> None:
        self._address, self.name = address, name
        self._revision = address.revision or "main"

    @property
    def commit(self) -> str:
        """The commit that the revision stands for."""
        return self._listing.commit

    @cached_property
    def files(self) -> frozenset[str]:
        """The paths of all files in the folder and below."""
        inside = f"{self._address.inside}/" if self._address.inside else ""
        found = (path for path in self._listing.files if path.startswith(inside))
        return frozenset(path.removeprefix(inside) for path in found)

    @property
    def all_files(self) -> list[str]:
        """The paths of all files of the repository."""
        return self._listing.files

    def blob(self, path: str) -> HubBlob:
        """Return a file of the folder, whose bytes are fetched by ranges."""
        repo, inside = self._address.repo, self._address.inside
        kind, repo_id = repository(repo)
        whole = f"{inside}/{path}" if inside else path
        return HubBlob(
            name=f"{self.name}/{path}",
            url=huggingface_hub.hf_hub_url(repo_id, whole, repo_type=kind, revision=self.commit),
            cache=cache_folder() / "hub" / repo.replace("/", "--") / self.commit / whole,
            label=self.name,
            errors=lambda: hub_errors(self.name, repo, self._revision),
        )

    @cached_property
    def _listing(self) -> Listing:
        kept = cache_folder() / "hub" / self._address.repo.replace("/", "--")
        return listing_of(self._address.repo, self._revision, kept)
