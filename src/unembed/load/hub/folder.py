"""A folder of a hub repository: only the files, and of large files only the tensors, needed.

Every read is pinned to the commit that the revision named when it was first asked for. Small
files go through `huggingface_hub`'s own cache. Single tensors are fetched by byte range and
kept in unembed's cache (`UNEMBED_CACHE`, by default `~/.cache/unembed`), so that a second
run needs no network.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError

from unembed.cache import cache_folder
from unembed.errors import SourceError, did_you_mean
from unembed.load.folder import missing
from unembed.load.hub.cache import new_file
from unembed.load.hub.errors import UnreachableError, hub_errors
from unembed.load.tensors.file import TensorFile
from unembed.load.tensors.hub_safetensors import HubSafetensors


class _Listing(NamedTuple):
    """A repository at one commit, and why it is the last known one where the hub was not there."""

    commit: str
    files: list[str]
    problem: UnreachableError | None = None


class HubFolder:
    """A folder of a model repository, at one commit.

    Args:
        repo: `org/name`, or a bare `name` for the hub's oldest models (`gpt2`).
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
        inside = f"/{self.subfolder}" if self.subfolder else ""
        return f"hf:{self.repo}{inside}@{self.revision}"

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
        prefix = f"{self.subfolder}/" if self.subfolder else ""
        files = self._listing.files
        inside = [file.removeprefix(prefix) for file in files if file.startswith(prefix)]
        if self.subfolder and not inside:
            raise self._no_folder()
        return sorted(name for name in inside if "/" not in name)

    def has(self, name: str) -> bool:
        return name in self.names()

    def fetch(self, name: str) -> Path:
        if not self.has(name):
            raise missing(self, name)
        problem = self._listing.problem
        with self._errors():
            try:
                return Path(
                    huggingface_hub.hf_hub_download(
                        self.repo,
                        self.file(name),
                        revision=self.commit,
                        local_files_only=problem is not None,  # it would try for half a minute
                    )
                )
            except LocalEntryNotFoundError:
                if problem is None:
                    raise
                raise problem from problem.__cause__

    def tensors(self, name: str) -> TensorFile:
        if not self.has(name):
            raise missing(self, name)
        return HubSafetensors(
            place=f"{self.name}/{name}",
            url=huggingface_hub.hf_hub_url(self.repo, self.file(name), revision=self.commit),
            cache=self.cache / self.commit / self.file(name),
            label=self.repo,
            errors=self._errors,
        )

    def file(self, name: str) -> str:
        """Return the path of a file inside the repository."""
        return f"{self.subfolder}/{name}" if self.subfolder else name

    def inside(self, subfolder: str) -> HubFolder:
        """Return a folder of the same repository, at the same commit, listed once for all.

        Args:
            subfolder: from the repository's root.
        """
        folder = HubFolder(self.repo, subfolder, self.revision)
        folder.__dict__["_listing"] = self._listing
        return folder

    def paths(self) -> tuple[list[str], list[str]]:
        """Return the folders and the files of the whole repository, from its root, sorted."""
        files = self._listing.files
        folders = {str(parent) for file in files for parent in PurePosixPath(file).parents}
        return sorted(folders - {"."}), sorted(files)

    @property
    def cache(self) -> Path:
        """Where this repository's tensors and listings are kept."""
        return cache_folder() / "hub" / self.repo.replace("/", "--")

    def _errors(self) -> AbstractContextManager[None]:
        return hub_errors(self.name, self.repo, self.revision)

    @cached_property
    def _listing(self) -> _Listing:
        """The commit and all its file paths: from the hub, else from the last time."""
        kept = self.cache / "revisions" / f"{self.revision.replace('/', '--')}.json"
        try:
            with self._errors():
                info = huggingface_hub.HfApi().model_info(
                    self.repo, revision=self.revision, timeout=constants.HF_HUB_ETAG_TIMEOUT
                )
        except UnreachableError as problem:
            if not kept.exists():
                raise
            content = json.loads(kept.read_text())
            return _Listing(content["commit"], content["files"], problem)
        commit, files = info.sha or "", [entry.rfilename for entry in info.siblings or []]
        text = json.dumps({"commit": commit, "files": files})
        if not kept.exists() or kept.read_text() != text:  # the cache may be shared, to read only
            with new_file(kept) as part:
                part.write_text(text)
        return _Listing(commit, files)

    def _no_folder(self) -> SourceError:
        folders, _ = self.paths()
        return SourceError(
            f"{self.repo}@{self.revision} has no folder {self.subfolder!r}."
            f"{did_you_mean(self.subfolder, folders)} Its folders: "
            f"{', '.join(folders[:12]) or 'none'}{', …' if len(folders) > 12 else ''}."
        )
