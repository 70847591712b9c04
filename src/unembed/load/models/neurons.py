"""MLP neurons as features: the direction that each neuron writes into the residual stream."""

from __future__ import annotations

import re

from unembed.errors import SourceError
from unembed.features import Features
from unembed.load.models.model import Model

_LAYERS = re.compile(r"(?P<first>\d+)(?:-(?P<last>\d+))?")


def read_neurons(model: Model, layer: int) -> Features:
    """Return the MLP neurons of a layer as a bank named `mlp.LAYER`.

    Raises:
        SourceError: when the model has no such layer.
    """
    return Features.from_array(
        model.mlp_out(layer),
        name=f"mlp.{layer}",
        origin={"format": "mlp neurons", "model": model.origin},
        hook=f"blocks.{layer}.hook_mlp_out",
        layer=layer,
    )


def parse_layers(text: str, n_layers: int) -> list[int]:
    """Return the layers that `10,20-22` or `all` names, in that order.

    >>> parse_layers("3,0-1", 12)
    [3, 0, 1]

    Raises:
        SourceError: when the text is neither, counts down, or names a layer twice.
    """
    if text == "all":
        return list(range(n_layers))
    layers: list[int] = []
    for part in text.split(","):
        found = _LAYERS.fullmatch(part.strip())
        if found is None:
            raise SourceError(
                f"{part!r} names no layers. Write mlp:26, mlp:10,20,26, mlp:0-11 or mlp:all."
            )
        first = int(found["first"])
        last = int(found["last"] or first)
        if last < first:
            raise SourceError(f"{part!r} counts down. Write {last}-{first}.")
        layers.extend(range(first, last + 1))
    if len(set(layers)) != len(layers):
        raise SourceError(f"{text!r} names a layer more than once.")
    return layers
