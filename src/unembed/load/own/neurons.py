"""MLP neurons as features: the direction that each neuron writes into the residual stream."""

from __future__ import annotations

import re
from functools import partial

from torch import Tensor

from unembed.errors import SourceError
from unembed.facts import Part, ReadFacts
from unembed.features import Features
from unembed.load.models.model import Expert, Model
from unembed.load.models.reads import ReadNorm
from unembed.load.names import Source
from unembed.load.own.layers import parse_layers
from unembed.load.stream.passage import pass_on
from unembed.outside import limits

NEURONS = "mlp:"
_EXPERT = re.compile(r"e(?P<number>\d{1,18})")


def neurons_of(text: str, model: Model) -> list[Source]:
    """Return the banks that a reference names, none of them read yet.

    | reference | banks |
    |---|---|
    | `mlp:12`, `mlp:10,20`, `mlp:0-11`, `mlp:all` | the MLP of each layer |
    | `mlp:12:e3` | expert 3 of a layer with a mixture of experts |
    | `mlp:12:all` | all its experts, a bank each (and the one MLP of a layer without experts) |
    | `mlp:12:shared` | the expert that every token goes through |

    Args:
        text: what follows `mlp:`.
        model: the model whose neurons are meant.

    Raises:
        SourceError: when it names none, or a layer that the model does not have.
    """
    layers, _, which = text.partition(":")
    found: list[Source] = []
    for layer in parse_layers(layers, model.n_layers, model=model.name):
        for expert in _experts(which, layer, model):
            path = f"{NEURONS}{layer}{_ending(expert)}"
            found.append(
                Source(
                    path,
                    partial(read_neurons, model, layer, expert),
                    reads=partial(read_neurons_inputs, model, layer, expert),
                )
            )
        if len(found) > limits.PLACES:
            raise SourceError(
                f"{NEURONS}{text} names more than {limits.PLACES:,} banks. Name fewer at once."
            )
    return found


def read_neurons(model: Model, layer: int, expert: Expert | None = None) -> Features:
    """Return the MLP neurons of a layer as a bank named `mlp.LAYER`, or of one of its experts.

    Row i is what neuron i adds to the residual stream, up to one positive number a token: its row
    of the output matrix, ⊙ the weight of a norm after the MLP where the model has one.

    Raises:
        SourceError: when the model has no such layer or expert.
    """
    written = model.mlp_out(layer, expert)
    after = model.after_mlp(layer, expert)
    return Features.from_array(
        pass_on(written, after, model),
        name=f"mlp.{layer}{_ending(expert, '.')}",
        origin={
            "format": "mlp neurons",
            "model": model.origin,
            **({} if expert is None else {"expert": expert}),
            **({"steps": list(after.steps)} if after.steps else {}),
        },
        hook=f"blocks.{layer}.hook_mlp_out",
        layer=layer,
    )


def read_neurons_inputs(model: Model, layer: int, expert: Expert | None = None) -> list[Features]:
    """Return what the MLP neurons of a layer read, as banks named `mlp.LAYER.gate` and so on.

    Two banks where the MLP has a gate: row i of `gate` decides how far neuron i is open, row i of
    `up` is what it multiplies with that. One, `in`, where it has none. Each row is ⊙ the weight of
    the norm that the MLP reads through, where it has one, and of a LayerNorm less its mean; the
    norm's own division is one positive number a token.

    Raises:
        SourceError: when the model has no such layer or expert.
    """
    read, norm = model.mlp_in(layer, expert), model.before_mlp(layer, expert)
    parts: dict[Part, Tensor] = {"in": read.up}
    if read.gate is not None:
        parts = {"gate": read.gate, "up": read.up}
    name = f"mlp.{layer}{_ending(expert, '.')}"
    return [
        Features.from_array(
            norm.read_by(rows),
            name=f"{name}.{part}",
            origin={
                "format": "mlp neurons",
                "model": model.origin,
                **({} if expert is None else {"expert": expert}),
                **({"steps": [norm.step]} if norm.step else {}),
            },
            hook=f"blocks.{layer}.hook_mlp_in",
            layer=layer,
            reads=ReadFacts(part, name, _said(norm)),
        )
        for part, rows in parts.items()
    ]


def _said(norm: ReadNorm) -> list[str]:
    """Return what must be known of how the MLP reads."""
    if norm.kind == "none":
        return ["The MLP reads the residual stream as it is, without a norm before it."]
    return [
        "The weight of the norm that the MLP reads through is folded in; the norm's division is "
        "not, one positive number at each place of a text."
    ]


def _experts(which: str, layer: int, model: Model) -> list[Expert | None]:
    """Return the experts of a layer that `e3`, `all`, `shared` or nothing names."""
    if not which:
        return [None]
    if which == "shared":
        return ["shared"]
    if which == "all":
        return list(range(model.n_experts(layer))) or [None]
    found = _EXPERT.fullmatch(which)
    if found is None:
        raise SourceError(
            f"{which!r} names no expert of layer {layer}. Write {NEURONS}{layer}:e3, "
            f"{NEURONS}{layer}:all or {NEURONS}{layer}:shared."
        )
    return [int(found["number"])]


def _ending(expert: Expert | None, mark: str = ":") -> str:
    if expert is None:
        return ""
    return f"{mark}{expert}" if expert == "shared" else f"{mark}e{expert}"
