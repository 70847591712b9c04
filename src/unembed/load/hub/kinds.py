"""Kinds of repositories: of models; spaces, some of which hold weights too; data sets, with runs.

A space is named `spaces/org/name` wherever a repository is named, and a data set
`datasets/org/name`, as the hub's own pages and its file system do; only what asks `huggingface_hub`
takes them apart.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

SPACES = "spaces/"
DATASETS = "datasets/"
_KINDS: dict[str, Literal["space", "dataset"]] = {SPACES: "space", DATASETS: "dataset"}


class Repository(NamedTuple):
    """What `huggingface_hub` is asked for.

    Attributes:
        kind: its `repo_type`.
        id: its `repo_id`, `org/name`.
    """

    kind: Literal["model", "space", "dataset"]
    id: str


def repository(repo: str) -> Repository:
    """Return the kind and the id of a repository.

    >>> repository("spaces/org/app"), repository("org/model")
    (Repository(kind='space', id='org/app'), Repository(kind='model', id='org/model'))
    """
    before = prefix(repo)
    if before:
        return Repository(_KINDS[before], repo.removeprefix(before))
    return Repository("model", repo)


def prefix(repo: str) -> str:
    """Return what stands before the id of a repository in its name here.

    >>> prefix("spaces/org/app"), prefix("org/model")
    ('spaces/', '')
    """
    return next((before for before in _KINDS if repo.startswith(before)), "")
