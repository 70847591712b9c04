"""Directions, taken from where a hook is to the residual stream."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from unembed.errors import FormatError, ShapeError, SourceError
from unembed.load.models.model import Model, Passage
from unembed.load.stream.sites import Site
from unembed.products import product_by_rows


class Reached(NamedTuple):
    """Directions as they reach the residual stream.

    Attributes:
        W_dec: [F, d_model].
        steps: what was done to them, in words, for the manifest; empty where nothing was.
    """

    W_dec: Float[Tensor, "features d_model"]
    steps: tuple[str, ...] = ()


def needs_model(site: Site) -> bool:
    """Return whether a model's own matrices lie between a site and the residual stream."""
    return site.kind != "stream"


def to_stream(
    directions: Float[Tensor, "features width"],
    site: Site,
    model: Model,
    head: int | None = None,
) -> Reached:
    """Return directions as they reach the residual stream.

    `w W_O ⊙ γ` for attention heads, `w W_out ⊙ γ` for what the MLP's output matrix reads, `w ⊙ γ`
    for a sub-layer's output, with γ the weight of the norm behind the sub-layer where the model
    has one, times the factor that the model multiplies the output by.

    Args:
        directions: [F, width at the site].
        site: where they are; any but `stream`.
        model: the model they were made for.
        head: the one attention head that they are of, d_head wide; None for all together.

    Raises:
        FormatError: when the site is none of this model.
        ShapeError: when the directions are not as wide as the site.
        SourceError: when the model has no such layer.
    """
    assert site.layer is not None
    if site.kind == "post_attention_norm":
        return _behind_norm(directions, site, model)
    if site.kind in ("heads", "attention"):
        after = model.after_attention(site.layer)
        through = _W_O(model, site.layer, head) if site.kind == "heads" else None
        label = f"W_O of layer {site.layer}" + ("" if head is None else f", head {head}")
    else:
        after = model.after_mlp(site.layer)
        if site.kind == "mlp" and model.factors_inside_mlp:
            after = after.norm_alone()  # the module has multiplied by the factor already
        through = model.mlp_out(site.layer) if site.kind == "neurons" else None
        label = f"W_out of layer {site.layer}"
    steps: tuple[str, ...] = ()
    if through is not None:
        directions = _multiply(directions, through, label, model)
        steps = (f"@ {label}",)
    return Reached(pass_on(directions, after, model), steps + after.steps)


def pass_on(
    directions: Float[Tensor, "features d_model"], after: Passage, model: Model
) -> Float[Tensor, "features d_model"]:
    """Return a sub-layer's output directions as they are added to the residual stream.

    Raises:
        ShapeError: when they are not as wide as the stream.
    """
    if directions.shape[1] != model.d_model:
        raise _width(directions, model.d_model, "the residual stream", model)
    if after.gamma is None and after.factor == 1:
        return directions
    scale = after.factor if after.gamma is None else after.gamma * after.factor
    return directions.float() * scale


def _W_O(model: Model, layer: int, head: int | None) -> Tensor:
    W_O = model.attention_out(layer)
    return W_O if head is None else head_rows(W_O, model, layer, head)


def head_rows(
    W_O: Float[Tensor, "heads_x_d_head d_model"], model: Model, layer: int, head: int
) -> Float[Tensor, "d_head d_model"]:
    """Return one head's rows of a layer's W_O, in memory of their own.

    Raises:
        SourceError: when the layer has no such head.
        FormatError: when W_O is not the same number of rows a head.
    """
    heads = model.n_heads(layer)
    if not 0 <= head < heads:
        raise SourceError(
            f"Layer {layer} of {model.name} has no head {head}: its {heads} heads are "
            f"{layer}.0 to {layer}.{heads - 1}."
        )
    if len(W_O) % heads:
        raise FormatError(
            f"W_O of layer {layer} of {model.name} has {len(W_O)} rows, which {heads} heads cannot "
            "share. The number of heads is wrong, or the file belongs to another model."
        )
    d_head = len(W_O) // heads
    return W_O[head * d_head : (head + 1) * d_head].clone()


def _multiply(directions: Tensor, through: Tensor, label: str, model: Model) -> Tensor:
    if directions.shape[1] != len(through):
        raise _width(directions, len(through), f"what {label} reads", model)
    return product_by_rows(directions, through.float().contiguous())


def _behind_norm(directions: Tensor, site: Site, model: Model) -> Reached:
    """The norm called post_attention_layernorm, where it is behind the attention."""
    assert site.layer is not None
    after = model.after_attention(site.layer)
    if not model.norm_behind_attention(site.layer):
        raise FormatError(
            f"In {model.name} post_attention_layernorm is what the MLP reads, a normalised copy of "
            "the residual stream that is never added to it: its directions have no logit weights."
        )
    left = after.factor_alone()
    return Reached(pass_on(directions, left, model), left.steps)


def _width(directions: Tensor, expected: int, what: str, model: Model) -> ShapeError:
    return ShapeError(
        f"The directions are {directions.shape[1]} wide, but {what} of {model.name} is {expected} "
        "wide. They belong to another model, or to another place in it."
    )
