"""huggingface_hub's own cache, where others may have fetched files: they are not fetched again.

Its layout: `models--org--name/refs/REVISION` holds a commit, and
`models--org--name/snapshots/COMMIT/` the files of it that were fetched (`spaces--…` of a space).
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from unembed.load.hub.kinds import repository
from unembed.outside.fields import is_inside

_COMMIT = re.compile(r"[0-9a-zA-Z]{1,64}")


def cached_file(repo: str, path: str, commit: str) -> Path | None:
    """Return a file of a repository at a commit, if it lies there."""
    kind, repo_id = repository(repo)
    found = huggingface_hub.try_to_load_from_cache(
        repo_id, path, cache_dir=constants.HF_HUB_CACHE, revision=commit, repo_type=kind
    )
    return Path(found) if isinstance(found, str) else None


def commit_of(repo: str, revision: str) -> str | None:
    """Return the commit that a revision was when it was last fetched, if it ever was."""
    if not is_inside(revision):
        return None
    folder = _folder(repo)
    try:
        commit = (folder / "refs" / revision).read_text().strip()
        return commit if _COMMIT.fullmatch(commit) else None
    except (OSError, ValueError):
        with suppress(OSError):
            return revision if (folder / "snapshots" / revision).is_dir() else None
    return None


def files_of(repo: str, commit: str) -> list[str]:
    """Return the paths of the files that lie there, from the repository's root."""
    root = _folder(repo) / "snapshots" / commit
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def _folder(repo: str) -> Path:
    kind, repo_id = repository(repo)
    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=repo_id, repo_type=kind))
