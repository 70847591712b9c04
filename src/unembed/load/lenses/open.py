"""A reference to a lens becomes a `LensFile`, of which no matrix is read yet."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from unembed.errors import FormatError, ShapeError, SourceError, listed
from unembed.load.formats.reading import directions_in
from unembed.load.lenses import fitted_on
from unembed.load.lenses.contents import Claim, Contents
from unembed.load.lenses.jacobian import is_jacobian, read_jacobian
from unembed.load.lenses.layers import spans, width_of
from unembed.load.lenses.lens_file import Kind, LensFile
from unembed.load.lenses.places import file_of, kind_asked, place_of
from unembed.load.lenses.tuned import is_tuned, read_tuned, told_otherwise
from unembed.load.models.model import Model
from unembed.load.models.open import load_model
from unembed.load.reference import Place


def load_lens(
    reference: str | Path,
    *,
    model: str | Path | Model | None = None,
    another_model: bool = False,
) -> LensFile:
    """Return the lens that a reference names; of its file only what is beside the matrices is read.

    Args:
        reference: as in the table of `places`; `jacobian` and `tuned` mean the published lenses,
            and a folder here of that name is written `./tuned`.
        model: the model of the run: for a lens by its name alone, and to hold the lens against.
        another_model: whether a lens that was fitted on another model of that width is meant.

    Raises:
        SourceError: when there is none, it cannot be reached, is not whole, or is another model's.
        FormatError: when it is none that is understood, or of another kind than was asked for.
        ShapeError: when it is not as wide as the model.
    """
    opened = load_model(model) if isinstance(model, str | Path) else model
    kind, rest = kind_asked(reference)
    place = place_of(kind, rest, opened)
    return open_lens(place, kind, opened, another_model=another_model)


def open_lens(
    place: Place,
    kind: Kind | None,
    model: Model | None = None,
    *,
    n_layers: int | None = None,
    another_model: bool = False,
) -> LensFile:
    """Return the lens at a place (see `load_lens`).

    Args:
        place: a file, or a folder that holds one lens.
        kind: that it should be of; None for either.
        model: to hold it against, where it is known.
        n_layers: blocks of the model, where that alone is known.
        another_model: as there.
    """
    place = file_of(place)
    contents = _contents(place)
    if kind is not None and contents.kind != kind:
        raise FormatError(f"{place.name} is a {contents.kind} lens, and no {kind} lens.")
    claims = fitted_on.claims_of(contents, place)
    width = _width(contents, place.name, claims, model)
    notes = list(contents.notes)
    if model is not None:
        notes += () if another_model else fitted_on.check_model(claims, model, place.name)
        _check_layers(contents, place.name, model)
    told = claims[0].model if claims else None
    blocks = (n_layers or _blocks(contents)) if model is None else model.n_layers
    return LensFile(
        kind=contents.kind,
        layers=tuple(sorted(contents.tensors)),
        d_model=width,
        place=place.name,
        read=partial(_matrix, contents, place.name),
        capture_point=contents.capture_point,
        n_prompts=contents.n_prompts,
        fitted_on=told,
        n_layers=blocks,
        metadata=contents.metadata,
        stability=contents.stability,
        source=_source(contents, place, told, blocks),
        notes=tuple(notes),
    )


def _source(
    contents: Contents, place: Place, told: str | None, blocks: int | None
) -> dict[str, Any]:
    """Return what a manifest keeps: enough to open the very same lens again."""
    known = {
        "n_prompts": contents.n_prompts,
        "fitted_on": told,
        "n_layers": blocks,
        "steps": list(contents.steps) or None,
    }
    return {
        "lens": contents.kind,
        "layout": contents.layout,
        **place.origin,
        "capture_point": contents.capture_point,
        **{key: value for key, value in known.items() if value is not None},
    }


def _contents(place: Place) -> Contents:
    """Return what a file holds, by the layout that fits.

    Raises:
        FormatError: when none does.
    """
    file = place.tensors()
    if is_jacobian(file):
        return read_jacobian(file, place.name)
    if is_tuned(file):
        return read_tuned(file, place.folder, place.name)
    holds = listed(f"{name} {list(shape)}" for name, shape in sorted(file.shapes().items()))
    raise FormatError(
        f"{place.name} holds no lens that is understood: neither J by layer, nor translators of a "
        f"tuned lens.{told_otherwise(file.shapes())} It holds: {holds}."
    )


def _matrix(contents: Contents, place: str, layer: int) -> Tensor:
    """Return the matrix of a layer in float32."""
    name = contents.tensors[layer]
    stored = directions_in(contents.file.read(name), f"{place}, tensor {name},")
    return contents.finished(stored)


def _width(contents: Contents, place: str, claims: list[Claim], model: Model | None) -> int:
    """Return the width of a lens: that of its matrices, of its own words, and of the model.

    Raises:
        ShapeError: when they are not all the same.
    """
    width = width_of(contents.shapes(), place)
    telling = claims if model is None else fitted_on.others(claims, model)
    whose = f"; by {telling[0].where} it was fitted on {telling[0].model}" if telling else ""
    if contents.d_model not in (None, width):
        raise ShapeError(
            f"{place} says that d_model is {contents.d_model}, but its matrices are {width} wide"
            f"{whose}. It is damaged, or put together of several: download it again."
        )
    if model is not None and model.d_model != width:
        raise ShapeError(
            f"{place} is {width} wide (layers {spans(contents.tensors)}), but the residual stream "
            f"of {model.name} is {model.d_model} wide{whose}. It is a lens of another model, "
            "whatever it is called."
        )
    return width


def _check_layers(contents: Contents, place: str, model: Model) -> None:
    """Check layers against a model's blocks.

    Raises:
        SourceError: when the lens is of a model with other blocks, or leads elsewhere than to the
            end.
    """
    blocks, layers = model.n_layers, sorted(contents.tensors)
    if contents.n_layers not in (None, blocks) or layers[-1] >= blocks:
        has = contents.n_layers or layers[-1] + 1
        raise SourceError(
            f"{place} is of a model with {has} blocks or more (it has layers {spans(layers)}), but "
            f"{model.name} has {blocks}. It is a lens of another model."
        )
    target = contents.target
    if target is not None and target % blocks != blocks - 1:
        raise SourceError(
            f"{place} leads to the output of block {target % blocks}, not to that of the last, "
            f"{blocks - 1}, which the unembedding reads. Fit one with the last block as its target."
        )


def _blocks(contents: Contents) -> int | None:
    """Return how many blocks the model has, as the file tells it."""
    if contents.n_layers is not None or contents.target is None or contents.target < 0:
        return contents.n_layers
    return contents.target + 1
