"""A stand-in hub that holds every published dictionary, each file made when it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache

from tests.load.fake_hub import FakeHub
from tests.load.published_layouts import SPECS, TINY, Entry, Size, entries, lay, tiny_model
from tests.load.published_layouts.parts import Files


class LazyFiles(Mapping[str, bytes]):
    """The files of a repository: listed without being made, and the last ones asked for kept."""

    def __init__(self, files: Files, kept: int = 8) -> None:
        self._files, self._kept, self._made = files, kept, dict[str, bytes]()

    def __getitem__(self, path: str) -> bytes:
        if path not in self._made:
            self._made[path] = self._files[path]()
            for oldest in list(self._made)[: -self._kept]:
                self._made.pop(oldest, None)  # another thread may have
        return self._made[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


@cache
def repositories(
    size: Size = TINY, wanted: tuple[Entry, ...] | None = None
) -> dict[str, LazyFiles]:
    """The repositories of the registry, or of some of its entries alone, and all its models."""
    found: dict[str, Files] = {}
    for entry in entries() if wanted is None else wanted:
        found.setdefault(entry.repo, {}).update(lay(entry, size).files)
    models = {
        repo: tiny_model(name, size).files() for name, spec in SPECS.items() for repo in spec.repos
    }
    return {repo: LazyFiles(files) for repo, files in {**found, **models}.items()}


def fill(hub: FakeHub, repos: Mapping[str, Mapping[str, bytes]]) -> None:
    """Put repositories on a hub, without making their files."""
    for repo, files in repos.items():
        commit = hashlib.sha1(repo.encode()).hexdigest()
        hub.repos[repo] = {commit: files}  # type: ignore[dict-item]  # a dict, made as it is read
        hub.names[repo] = {"main": commit}
