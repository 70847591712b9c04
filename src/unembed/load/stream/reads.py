"""Directions that read at a hook, as they read the residual stream.

What a feature reads of a token is what its direction gets of the token's embedding where that
comes by: in the residual stream. The MLP reads it through a norm, n(h) = γ ⊙ h / |h| (a LayerNorm
takes the mean out first), so that a row w of what reads n(h) reads γ ⊙ w of the stream, up to one
positive number a token.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from unembed.errors import FormatError, ShapeError
from unembed.load.models.model import Model, ReadNorm
from unembed.load.stream.passage import Reached
from unembed.load.stream.readings import ADDED, Reading, no_stream, reading_of
from unembed.products import sums


def needs_norm(hook: str, *, centred_stream: bool = False) -> bool:
    """Return whether a model's own norm lies between the residual stream and a hook.

    Args:
        hook: the hook.
        centred_stream: whether the mean may have been taken out of the stream, which the kind of
            the model's norms decides.

    Raises:
        FormatError: as `reading_of`.
    """
    return reading_of(hook).kind != "stream" or centred_stream


def from_stream(
    rows: Float[Tensor, "features width"],
    hook: str,
    model: Model | None,
    *,
    centred: bool = False,
    centred_stream: bool = False,
    folded: bool | None = None,
) -> Reached:
    """Return directions that read at a hook, as they read the residual stream.

    As they are in the stream itself; `w ⊙ γ`, and for a LayerNorm less each row's mean, where the
    MLP reads.

    Args:
        rows: [F, width at the hook].
        hook: where they read.
        model: the model they were made for; needed where `needs_norm` says so.
        centred: whether what is read goes through a LayerNorm without parameters first.
        centred_stream: whether TransformerLens took the mean out of the stream, which it does for
            models with LayerNorms.
        folded: whether γ was folded into the matrices behind each norm; None where nobody says so.

    Raises:
        FormatError: when no token's embedding comes by there, or a model is needed.
        ShapeError: when the directions are not as wide as the stream.
        SourceError: when the model has no such layer, or its stream does not stay as it is.
    """
    place = reading_of(hook)
    if model is None:
        if needs_norm(hook, centred_stream=centred_stream):
            raise FormatError(
                f"The hook {hook} reads the residual stream through a norm of the model: say which "
                "model, with model=…"
            )
        return _centred(rows) if centred else Reached(rows)
    _check(rows, hook, place, model)
    reached = _centred(rows) if centred else Reached(rows)
    if place.kind in ("stream", "before_post_attention"):
        if centred_stream and not centred and _norm(place, model).kind == "layernorm":
            return Reached(_less_means(rows), ("− each row's mean (center_writing_weights)",))
        return reached
    norm = _norm(place, model)
    if not _has_no_weight(hook, place, norm, folded):
        steps = (norm.step,) if norm.step else ()
        return Reached(norm.read_by(reached.W_dec), reached.steps + steps)
    if norm.kind != "layernorm":
        return reached
    return Reached(_less_means(rows), ("− each row's mean (a LayerNorm before the MLP)",))


def _centred(rows: Tensor) -> Reached:
    return Reached(_less_means(rows), ("− each row's mean (a LayerNorm before the encoder)",))


def _norm(place: Reading, model: Model) -> ReadNorm:
    """Return the norm that a layer's MLP reads through; for the embedding, the first layer's."""
    return model.before_mlp(place.layer or 0)


def _has_no_weight(hook: str, place: Reading, norm: ReadNorm, folded: bool | None) -> bool:
    """Return whether what is read is before the norm's weight, which is in matrices behind it.

    Raises:
        FormatError: when nothing says so.
    """
    if place.kind != "normalised":
        return bool(folded)
    if norm.kind == "none":
        raise FormatError(f"The model has no norm before its MLP, and so nothing that {hook} is.")
    if norm.kind != "layernorm":
        return True
    if folded is None:
        raise FormatError(
            f"{hook} of a LayerNorm is before its weight or behind it, by how the model was loaded "
            "(fold_ln), and the files do not say how (model_from_pretrained_kwargs in cfg.json)."
        )
    return folded


def _check(rows: Tensor, hook: str, place: Reading, model: Model) -> None:
    """Check that rows are as wide as the stream, which comes by there and stays as it is."""
    if rows.shape[1] != model.d_model:
        raise ShapeError(
            f"The directions that are read are {rows.shape[1]} wide, but the residual stream of "
            f"{model.name} is {model.d_model} wide. They belong to another model, or to another "
            "place in it."
        )
    if place.layer is None:
        return
    model.check_followed(place.layer)
    about_norm = place.kind in ("post_attention", "before_post_attention")
    if about_norm and model.norm_behind_attention(place.layer):
        raise no_stream(hook, ADDED.format("the attention"))


_ROWS_AT_ONCE = 8192


def _less_means(rows: Tensor) -> Tensor:
    """Return rows less each one's mean, in float32."""
    found = rows.float().clone()
    for part in torch.split(found, _ROWS_AT_ONCE):
        means = sums(part.double().contiguous(), 1) / part.shape[1]
        part -= means.float()[:, None]
    return found
