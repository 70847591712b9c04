"""A folder of a hub repository: only the files, and of large files only the bytes, needed.

Every read is pinned to the commit that the revision named when it was first asked for. Small
files go through `huggingface_hub`'s own cache, and what others fetched into it is read from
there. Ranges of bytes are kept in unembed's cache (`UNEMBED_CACHE`, by default
`~/.cache/unembed`), so that a second run needs no network.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import LocalEntryNotFoundError

from unembed.cache import cache_folder
from unembed.errors import SourceError, did_you_mean, listed
from unembed.load.folder import missing
from unembed.load.hub import shared_cache
from unembed.load.hub.address import Address
from unembed.load.hub.blob import HubBlob
from unembed.load.hub.errors import hub_errors
from unembed.load.hub.kinds import repository
from unembed.load.hub.listing import Listing, listing_of
from unembed.load.tensors.blob import Blob, LocalBlob
from unembed.load.tensors.container import open_tensors
from unembed.load.tensors.file import TensorFile


class HubFolder:
    """A folder of a repository, at one commit.

    Args:
        repo: `org/name`, a bare `name` for the hub's oldest models (`gpt2`), or `spaces/org/name`.
        subfolder: the folder inside it, `""` for its root.
        revision: branch, tag or commit; by default the repository's main branch.

    Raises:
        SourceError: at the first read, when the repository, revision or folder is not
            there, needs a login, or cannot be reached and is not in the cache.
    """

    def __init__(self, repo: str, subfolder: str = "", revision: str | None = None) -> None:
        self.repo = repo
        self.subfolder = subfolder.strip("/")
        self.revision = revision or "main"

    @property
    def name(self) -> str:
        return Address(self.repo, self.subfolder, self.revision).text

    @property
    def short_name(self) -> str:
        return self.repo

    @property
    def origin(self) -> dict[str, str]:
        return {"repo": self.repo, "subfolder": self.subfolder, "commit": self.commit}

    @property
    def commit(self) -> str:
        """The commit that the revision stands for."""
        return self._listing.commit

    def names(self) -> list[str]:
        return sorted({path for path in self._inside() if "/" not in path})

    def folders(self) -> list[str]:
        return sorted({path.split("/")[0] for path in self._inside() if "/" in path})

    def has(self, path: str) -> bool:
        return self.file(path) in self._files

    def fetch(self, path: str) -> Path:
        self._check(path)
        problem = self._listing.problem
        found = self._cached(path)
        if found is not None:
            return found
        kind, name = repository(self.repo)
        with self._errors():
            try:
                return Path(
                    huggingface_hub.hf_hub_download(
                        name,
                        self.file(path),
                        repo_type=kind,
                        revision=self.commit,
                        local_files_only=problem is not None,  # it would try for half a minute
                    )
                )
            except LocalEntryNotFoundError:
                if problem is None:
                    raise
                raise problem from problem.__cause__

    def tensors(self, path: str) -> TensorFile:
        self._check(path)
        return open_tensors(self._blob(path))

    def inside(self, path: str) -> HubFolder:
        """Return a folder below this one, at the same commit, listed once for all."""
        return self._at(self.file(path))

    def parent(self) -> HubFolder | None:
        return self._at(self.subfolder.rpartition("/")[0]) if self.subfolder else None

    def file(self, path: str) -> str:
        """Return a path of this folder as the repository's root has it."""
        return "/".join(part for part in (self.subfolder, path) if part)

    def paths(self) -> tuple[list[str], list[str]]:
        """Return the paths of all folders and of all files below this folder, sorted."""
        files = self._inside()
        return sorted(_folders_of(files)), sorted(files)

    def is_folder(self, path: str) -> bool:
        """Return whether a path of this folder is a folder with files in it."""
        return self.file(path) in self._folders

    def nothing_at(self, path: str) -> SourceError:
        """Return the error for a path of this folder that is neither a folder nor a file."""
        if self._listing.partial and self._listing.problem:
            return self._listing.problem
        whole = self.file(path)
        known = {*self._folders, *self._files}
        near = [path for path in known if path.count("/") == whole.count("/")]
        around = whole.rpartition("/")[0]
        place = self._at(around) if around in self._folders else self._at("")
        return SourceError(
            f"{self.repo}@{self.revision} has no folder or file {whole!r}."
            f"{did_you_mean(whole, sorted(near))} {place.name} holds: "
            f"{listed([*place.folders(), *place.names()])}."
        )

    def _at(self, subfolder: str) -> HubFolder:
        """Return a folder of the same repository, given from its root."""
        folder = HubFolder(self.repo, subfolder, self.revision)
        for known in ("_listing", "_files", "_folders"):
            folder.__dict__[known] = getattr(self, known)
        return folder

    def _inside(self) -> list[str]:
        """Return the paths of all files in this folder and below."""
        if not self.subfolder:
            return self._listing.files
        if self.subfolder not in self._folders:
            raise self._at("").nothing_at(self.subfolder)
        prefix = f"{self.subfolder}/"
        return [f.removeprefix(prefix) for f in self._listing.files if f.startswith(prefix)]

    def _check(self, path: str) -> None:
        if not self.has(path):
            problem = self._listing.problem
            raise problem if problem and self._listing.partial else missing(self, path)

    def _blob(self, path: str) -> Blob:
        name = f"{self.name}/{path}"
        found = self._cached(path)
        if found is not None:
            return LocalBlob(found, name, f"Remove {found} and try again.")
        kind, repo_id = repository(self.repo)
        return HubBlob(
            name=name,
            url=huggingface_hub.hf_hub_url(
                repo_id, self.file(path), repo_type=kind, revision=self.commit
            ),
            cache=self._cache / self.commit / self.file(path),
            label=self.repo,
            errors=self._errors,
        )

    def _cached(self, path: str) -> Path | None:
        """Return a file from huggingface_hub's cache, where anyone has fetched it."""
        repos = dict.fromkeys((self.repo, self._listing.repo))
        found = (shared_cache.cached_file(repo, self.file(path), self.commit) for repo in repos)
        return next((path for path in found if path is not None), None)

    @property
    def _cache(self) -> Path:
        """Where this repository's bytes and listings are kept."""
        return cache_folder() / "hub" / self.repo.replace("/", "--")

    def _errors(self) -> AbstractContextManager[None]:
        return hub_errors(self.name, self.repo, self.revision)

    @cached_property
    def _listing(self) -> Listing:
        """The commit and all its file paths."""
        return listing_of(self.repo, self.revision, self._cache)

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(self._listing.files)

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(_folders_of(self._files))


def _folders_of(files: Iterable[str]) -> set[str]:
    """Return every folder above files. Repositories hold thousands, so each is looked at once."""
    found: set[str] = set()
    for file in files:
        folder = file.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found
