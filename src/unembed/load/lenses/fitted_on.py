"""Which model a lens was fitted on, by all that tells it, held against the model of a run.

A lens of another model of the same width reads plausibly and wrongly, so that whatever says whose
it is counts: the file, the config beside it, its name, and what it was called when it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from unembed.errors import SourceError
from unembed.load.folder import Folder
from unembed.load.formats.reading import read_config
from unembed.load.hub.errors import UnreachableError
from unembed.load.lenses.contents import Claim, Contents
from unembed.load.lenses.published import find, plain, published
from unembed.load.models.model import Model
from unembed.load.reference import Place
from unembed.load.tensors.torch_zip import TorchZip
from unembed.outside.fields import Fields

CONFIG = "config.yaml"

_STEM = re.compile(r"(?P<model>.+)_jacobian_lens(?:_n\d+)?")
_ADDED = re.compile(r"_n\d+\.\w+$")
_CACHED = re.compile(r"models--(?P<org>.+?)--(?P<name>.+)")
"""The folder of a model in huggingface_hub's cache."""


def names_of(model: Model) -> list[str]:
    """Return what a model is called, its hub repository first, where its place tells that.

    A folder of this disk is called as its path ends; one of huggingface_hub's cache by its
    repository.
    """
    origin = model.origin
    if "repo" in origin:
        return [origin["repo"]]
    path = Path(origin["path"])
    cached = (_CACHED.fullmatch(part) for part in path.parts)
    found = [f"{each['org']}/{each['name']}" for each in cached if each]
    return [*found, path.stem if path.suffix == ".gguf" else path.name]


def is_known(model: Model) -> bool:
    """Return whether a model's name is surely its own: by the hub, or as one with a lens."""
    names = names_of(model)
    return "repo" in model.origin or len(names) > 1 or find(names) is not None


def claims_of(contents: Contents, place: Place) -> list[Claim]:
    """Return all that tells which model a lens was fitted on, the surest first."""
    return [*contents.claims, *_beside(contents, place), *_by_name(contents, place)]


def others(claims: Sequence[Claim], model: Model) -> list[Claim]:
    """Return the claims that name another model than this."""
    own = {plain(name) for name in names_of(model)}
    return [claim for claim in claims if plain(claim.model) not in own]


def check_model(claims: Sequence[Claim], model: Model, place: str) -> tuple[str, ...]:
    """Check that a lens was fitted on a model; return sentences for what cannot be told.

    Raises:
        SourceError: when something says that it was fitted on another.
    """
    first = next(iter(others(claims, model)), None)
    if first is None:
        return () if claims else (f"Nothing says which model {place} was fitted on.",)
    if not is_known(model):
        return (f"By {first.where} the lens was fitted on {first.model}: see that it is this one.",)
    raise SourceError(
        f"{place} is no lens of {names_of(model)[0]}: by {first.where} it was fitted on "
        f"{first.model}. Take that model's own lens; or, of a model that was trained on from it, "
        "say that you mean it with --lens-of-another-model (in Python another_model=True)."
    )


def _beside(contents: Contents, place: Place) -> Iterator[Claim]:
    """What the config beside a published file says, if it is of that file.

    A folder may hold two lenses and the config of one, or a config that was left behind: it counts
    where it names the file, or as many prompts as the file does. Files that are called `…_n1000`
    were added by others than the configs' writer, and 1,000 is where most fits end.
    """
    if contents.kind != "jacobian" or not place.folder.has(CONFIG):
        return
    config = _config(place.folder)
    if config is None:
        return
    named = config.table("lens").text("file")
    fitted = config.table("results").content.get("prompts_fitted")
    is_its_own = named == place.file if named else fitted == contents.n_prompts is not None
    is_its_own &= bool(named) or not _ADDED.search(place.file or "")
    model = config.text("hf_model_name")
    if model and is_its_own:
        yield Claim(model, config.where)


def _config(folder: Folder) -> Fields | None:
    try:
        return read_config(folder, CONFIG)
    except UnreachableError:  # it was not fetched with the lens; what it says is said twice
        return None


def _by_name(contents: Contents, place: Place) -> Iterator[Claim]:
    """What the file is called, and was called when it was written: where it is a known model."""
    names = [("its name", (place.file or "").rpartition(".")[0])]
    if isinstance(contents.file, TorchZip):
        names.insert(0, ("the name that it was written under", contents.file.saved_as))
    for where, name in names:
        found = _STEM.fullmatch(name)
        known = found and published().get(plain(found["model"]))
        if known:
            yield Claim(known.model, where)
