"""Kinds of repositories: of models, and spaces, some of which hold weights too.

A space is named `spaces/org/name` wherever a repository is named, as the hub's own pages and its
file system do; only what asks `huggingface_hub` takes the two apart.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

SPACES = "spaces/"


class Repository(NamedTuple):
    """What `huggingface_hub` is asked for.

    Attributes:
        kind: its `repo_type`.
        id: its `repo_id`, `org/name`.
    """

    kind: Literal["model", "space"]
    id: str


def repository(repo: str) -> Repository:
    """Return the kind and the id of a repository.

    >>> repository("spaces/org/app"), repository("org/model")
    (Repository(kind='space', id='org/app'), Repository(kind='model', id='org/model'))
    """
    if repo.startswith(SPACES):
        return Repository("space", repo.removeprefix(SPACES))
    return Repository("model", repo)


def prefix(repo: str) -> str:
    """Return what stands before the id of a repository in its name here.

    >>> prefix("spaces/org/app"), prefix("org/model")
    ('spaces/', '')
    """
    return SPACES if repo.startswith(SPACES) else ""
