"""What a repository holds at a commit: asked of the hub once, and kept by the commit.

A branch is kept as a pointer to the commit it last was, so that whoever asks for the commit later
(a finished run does) finds what was asked for by the branch. A commit never changes: what is kept
of it is not asked for again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import huggingface_hub
from huggingface_hub import DatasetInfo, ModelInfo, SpaceInfo, constants

from unembed.errors import FormatError, SourceError
from unembed.load.hub import shared_cache
from unembed.load.hub.address import Address
from unembed.load.hub.cache import new_entry, read_entry
from unembed.load.hub.errors import UnreachableError, hub_errors
from unembed.load.hub.kinds import prefix, repository
from unembed.outside import limits
from unembed.outside.documents import parse_json
from unembed.outside.fields import Fields, is_inside, needed


class Listing(NamedTuple):
    """A repository at one commit.

    Attributes:
        commit: that the revision stands for.
        files: paths of all files, from the repository's root.
        repo: its true name, where it was asked for under an old one.
        problem: why the hub could not be asked; then this is the last that is known.
        partial: whether these are only the files that huggingface_hub's cache holds.
    """

    commit: str
    files: list[str]
    repo: str
    problem: UnreachableError | None = None
    partial: bool = False


def listing_of(repo: str, revision: str, cache: Path) -> Listing:
    """Return what a repository holds, from the hub, else from what is kept.

    Args:
        repo: `org/name`, `spaces/org/name` or `datasets/org/name`.
        revision: branch, tag or commit.
        cache: the folder for what is kept of the repository.

    Raises:
        SourceError: when there is no such repository or revision, or the hub cannot be reached
            and nothing is kept.
    """
    kept = _kept(cache, revision)
    if kept is not None:
        return kept
    kind, repo_id = repository(repo)
    try:
        with hub_errors(Address(repo, "", revision).text, repo, revision):
            api = huggingface_hub.HfApi()
            ask: Callable[..., ModelInfo | SpaceInfo | DatasetInfo] = api.model_info
            if kind != "model":
                ask = api.space_info if kind == "space" else api.dataset_info
            info = ask(repo_id, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except UnreachableError as problem:
        known = _last_known(repo, revision, cache)
        if known is None:
            raise
        return known._replace(problem=problem)
    listing = _checked(info, repo)
    _keep(_commit_file(cache, listing.commit), {"files": listing.files, "repo": listing.repo})
    if revision != listing.commit:
        _keep(_pointer_file(cache, revision), {"commit": listing.commit})
    return listing


def _checked(info: ModelInfo | SpaceInfo | DatasetInfo, repo: str) -> Listing:
    """Return what the hub answered, none of whose names leads out of a folder.

    Raises:
        SourceError: when it is no listing of a repository.
    """
    files = [each.rfilename for each in info.siblings or []]
    true = f"{prefix(repo)}{info.id}"
    found = _listing({"commit": info.sha, "files": files, "repo": true})
    if found is None:
        raise SourceError(
            f"What the hub answers of {repo} is no listing of a repository's files. Try again "
            "later, or check HF_ENDPOINT."
        )
    return found


def _last_known(repo: str, revision: str, cache: Path) -> Listing | None:
    """Return what a revision was when it was last asked for, by unembed or by others."""
    pointer = _content(_pointer_file(cache, revision))
    if "files" in pointer:  # as earlier versions kept listings
        return _listing({"repo": repo, **pointer})
    commit = pointer.get("commit") or shared_cache.commit_of(repo, revision)
    if not isinstance(commit, str):
        return None
    kept = _kept(cache, commit)
    if kept is not None:
        return kept
    files = shared_cache.files_of(repo, commit)
    return Listing(commit, files, repo, partial=True) if files else None


def _kept(cache: Path, commit: str) -> Listing | None:
    return _listing({**_content(_commit_file(cache, commit)), "commit": commit})


def _listing(content: dict[str, Any]) -> Listing | None:
    """Return the listing of a repository; None where it is none, to be asked for again."""
    fields = Fields(content, "")
    try:
        commit, repo = (needed(fields.text(key), fields, key) for key in ("commit", "repo"))
        files = needed(fields.items("files"), fields, "files")
    except FormatError:
        return None
    plain = all(isinstance(file, str) and is_inside(file) for file in files)
    return Listing(commit, files, repo) if plain and is_inside(commit) else None


def _commit_file(cache: Path, commit: str) -> Path:
    return cache / "commits" / f"{quote(commit, safe='')}.json"


def _pointer_file(cache: Path, revision: str) -> Path:
    return cache / "revisions" / f"{quote(revision, safe='')}.json"


def _content(path: Path) -> dict[str, Any]:
    """Return what is kept in a file of the cache; nothing where it is not there, or damaged."""
    try:
        content = parse_json(read_entry(path, limits.LISTING_BYTES) or b"{}", str(path))
    except FormatError:
        return {}
    return content if isinstance(content, dict) else {}


def _keep(path: Path, content: dict[str, Any]) -> None:
    if _content(path) != content:  # the cache may be shared, to read only
        with new_entry(path) as part:
            part.write_text(json.dumps(content))
