"""Published lenses by the name of their model.

Jacobian lenses lie in one repository, a folder a model; the table beside this module says which
file is whose, and where each line of it has been seen (facts; the lenses themselves are fetched).
Folders bear Neuronpedia's names of models, and files the models' own, so that neither tells the
other: `gemma-3-1b` is of `gemma-3-1b-pt`. Tuned lenses lie in a space, in folders that are called
as their models are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from unembed.errors import SourceError, did_you_mean, listed
from unembed.load.hub import HubFolder, kinds
from unembed.load.hub.errors import UnreachableError
from unembed.load.lenses.tuned import CONFIG, PARAMS
from unembed.load.models.short_names import repository_of
from unembed.load.reference import Place, on_hub
from unembed.outside.documents import read_json
from unembed.outside.fields import Fields, needed

PUBLISHED = Path(__file__).with_name("published.json")
TUNED = "spaces/AlignmentResearch/tuned-lens"
_TUNED_FOLDER = "lens"
_MOST = 60


class Published(NamedTuple):
    """A published Jacobian lens.

    Attributes:
        model: the hub repository of its model.
        path: in the repository of lenses.
        revision: of that repository.
    """

    model: str
    path: str
    revision: str

    @property
    def folder(self) -> str:
        """The folder of its model: Neuronpedia's name of it."""
        return self.path.partition("/")[0]


@cache
def published() -> dict[str, Published]:
    """Return the published Jacobian lenses by the last part of their models' names, lower case."""
    fields, files = _table()
    common = needed(fields.text("revision"), fields, "revision")
    found = {}
    for model in files:
        entry = files.table(model)
        path = needed(entry.text("path"), entry, "path")
        found[plain(model)] = Published(model, path, entry.text("revision") or common)
    return found


def repository() -> str:
    """Return the repository of published Jacobian lenses."""
    fields, _ = _table()
    return needed(fields.text("repository"), fields, "repository")


def plain(model: str) -> str:
    """Return what is compared of a model's name: the last part of its repository's, lower case.

    A model is often copied (`unsloth/gemma-3-1b-it`, `bartowski/gemma-3-1b-it-GGUF`), and keeps
    that part.

    >>> plain("Qwen/Qwen3-4B"), plain("gpt2-small"), plain("org/gemma-2-2b-GGUF")
    ('qwen3-4b', 'gpt2', 'gemma-2-2b')
    """
    return repository_of(model.rstrip("/")).rpartition("/")[2].lower().removesuffix("-gguf")


def find(names: Sequence[str]) -> Published | None:
    """Return the published Jacobian lens of a model by one of its names, or of its folder's."""
    by_folder = {each.folder: each for each in published().values()}
    for name in names:
        found = published().get(plain(name)) or by_folder.get(name.lower())
        if found is not None:
            return found
    return None


def jacobian_place(names: Sequence[str]) -> Place:
    """Return where the published Jacobian lens of a model is.

    A model that is not in the table is looked for among the repository's folders, by its name.

    Args:
        names: what the model is called, the likeliest first.

    Raises:
        SourceError: when there is none, or the repository cannot be reached.
    """
    entry = find(names)
    if entry is not None:
        with _by_hand(f"The Jacobian lens of {entry.model}", repository(), entry.path):
            return on_hub(HubFolder(repository(), "", entry.revision), entry.path)
    with _by_hand(f"Whether {names[0]} has a published Jacobian lens", repository(), "FILE"):
        return _listed_place(names)


def tuned_place(names: Sequence[str]) -> Place:
    """Return where the published tuned lens of a model is.

    Args:
        names: what the model is called, the likeliest first.

    Raises:
        SourceError: when there is none, or the space cannot be reached.
    """
    inside = f"{_TUNED_FOLDER}/{names[0]}"
    files = [f"{inside}/{name}" for name in (CONFIG, PARAMS)]
    with _by_hand(f"The tuned lens of {names[0]}", TUNED, *files):
        root = HubFolder(TUNED)
        parts = [part for name in names for part in (name, name.rpartition("/")[2])]
        for part in dict.fromkeys(parts):
            if root.has(f"{_TUNED_FOLDER}/{part}/{PARAMS}"):
                return on_hub(root, f"{_TUNED_FOLDER}/{part}/{PARAMS}")
        known = sorted(
            path.removeprefix(f"{_TUNED_FOLDER}/").removesuffix(f"/{PARAMS}")
            for path in root.paths()[1]
            if path.startswith(f"{_TUNED_FOLDER}/") and path.endswith(f"/{PARAMS}")
        )
    raise SourceError(
        f"hf:{TUNED} has no tuned lens of {names[0]}.{did_you_mean(names[0], known)} It has those "
        f"of {listed(known, 'no model', _MOST)}. Name a file, as tuned:FILE."
    )


def _listed_place(names: Sequence[str]) -> Place:
    """Return the one lens in the folder that is called as a model is."""
    root = HubFolder(repository())
    folders = root.folders()
    slugs = [slug for name in names for slug in (name.lower(), plain(name))]
    slug = next((slug for slug in slugs if slug in folders), None)
    if slug is None:
        near = did_you_mean(plain(names[0]), folders)
        raise SourceError(
            f"hf:{repository()} has no folder for {names[0]}.{near} It has: "
            f"{listed(folders, most=_MOST)}. Name a file, as jacobian:FILE, or the model that is "
            "meant, as jacobian:MODEL."
        )
    files = [path for path in root.inside(slug).paths()[1] if path.endswith(".pt")]
    if len(files) != 1:
        raise SourceError(
            f"hf:{repository()}/{slug} holds {len(files)} lenses: {listed(files)}. Name one, as "
            f"jacobian:hf:{repository()}/{slug}/FILE."
        )
    return on_hub(root, f"{slug}/{files[0]}")


@contextmanager
def _by_hand(what: str, repo: str, *paths: str) -> Iterator[None]:
    """Say how published files are got by hand, where the hub cannot be reached.

    Args:
        what: is looked for.
        repo: where it is.
        paths: in it.
    """
    try:
        yield
    except UnreachableError as error:
        kind, name = kinds.repository(repo)
        words = ["hf download", *(["--repo-type space"] if kind == "space" else []), name, *paths]
        raise type(error)(
            f"{what} is looked for in hf:{repo}. {error} Or fetch it where there is a network, "
            f"with `{' '.join(words)}`, and name the file."
        ) from error


def _table() -> tuple[Fields, Fields]:
    """Return the table that is shipped, and the files in it by their models."""
    fields = Fields(read_json(PUBLISHED), str(PUBLISHED))
    return fields, fields.table("files")
