"""Where a lens is that a reference names.

| reference | lens |
|---|---|
| `jacobian`, `tuned` | the published one of the model |
| `jacobian:gemma-2-2b`, `tuned:gpt2` | the published one of that model |
| `path/to/lens.pt`, `hf:org/repo/lens.pt@revision`, a folder of one | that file |
| `jacobian:path/to/lens.pt`, `tuned:hf:org/repo/folder` | the same, of that kind or refused |
"""

from __future__ import annotations

from pathlib import Path

from unembed.errors import SourceError, did_you_mean, listed
from unembed.load.folder import Folder
from unembed.load.lenses import published
from unembed.load.lenses.fitted_on import names_of
from unembed.load.lenses.lens_file import KINDS, Kind
from unembed.load.lenses.tuned import PARAMS
from unembed.load.models.model import Model
from unembed.load.models.short_names import repository_of
from unembed.load.reference import Place, on_disk, resolve, surely_a_path

_ENDINGS = (".pt", ".safetensors")
_DEPTH = 4
"""How many folders of one folder each are gone into: `gpt2-small/jlens/Salesforce-wikitext`."""


def kind_asked(reference: str | Path) -> tuple[Kind | None, str | Path]:
    """Return the kind that a reference asks for, and what stands behind it.

    >>> kind_asked("jacobian:lens.pt"), kind_asked("tuned"), kind_asked("lens.pt")
    (('jacobian', 'lens.pt'), ('tuned', ''), (None, 'lens.pt'))
    """
    head, colon, rest = str(reference).partition(":")
    for kind in KINDS:
        if not isinstance(reference, Path) and head == kind:
            if colon and not rest:
                raise SourceError(f"{reference} names no lens: write {kind} alone, or {kind}:FILE.")
            return kind, rest
    return None, reference


def place_of(kind: Kind | None, rest: str | Path, model: Model | None) -> Place:
    """Return where a lens is.

    Args:
        kind: that was asked for, where one was.
        rest: what stands behind it; nothing for the published lens of the model.
        model: of the run.

    Raises:
        SourceError: when it is nowhere, or cannot be reached.
    """
    if kind is not None and not rest:
        if model is None:
            raise SourceError(
                f"{kind} means the published {kind} lens of a model: say which, as {kind}:MODEL, "
                "with --model (in Python model=…), or name a file."
            )
        return _published(kind, names_of(model))
    if isinstance(rest, Path) or on_disk(rest) is not None:
        return resolve(rest)
    by_name = published.find([rest]) if kind == "jacobian" else None
    if by_name is not None:
        return _published("jacobian", [by_name.model])
    if kind == "tuned" and rest.count("/") <= 1 and ":" not in rest and not surely_a_path(rest):
        return _published("tuned", list(dict.fromkeys([repository_of(rest), rest])))
    try:
        return resolve(rest)
    except SourceError as error:
        near = did_you_mean(str(rest), KINDS, cutoff=0.7)
        if not near:
            raise
        raise type(error)(f"{error}{near}") from error


def _published(kind: Kind, names: list[str]) -> Place:
    find = published.jacobian_place if kind == "jacobian" else published.tuned_place
    return find(names)


def file_of(place: Place) -> Place:
    """Return the one file of a lens in a folder; a file is itself.

    Raises:
        SourceError: when the folder holds none, or several.
    """
    folder: Folder = place.folder
    if place.file is not None:
        return place
    for _ in range(_DEPTH):
        names = [name for name in folder.names() if name.endswith(_ENDINGS)]
        inside = folder.folders()
        if names or len(inside) != 1:
            break
        folder = folder.inside(inside[0])
    names = [PARAMS] if PARAMS in names else names
    if len(names) == 1:
        return Place(folder, names[0])
    what = f"{len(names)} files that may be a lens" if names else "no file of a lens"
    raise SourceError(
        f"{folder.name} holds {what} ({', '.join(_ENDINGS)}): "
        f"{listed(names or [*folder.folders(), *folder.names()])}. Name one."
    )
