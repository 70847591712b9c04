"""Which layers of a model a reference names: `26`, `10,20`, `0-11`, `all`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unembed.errors import SourceError

_LAYERS = re.compile(r"(?P<first>\d{1,18})(?:-(?P<last>\d{1,18}))?", re.ASCII)


def parse_layers(
    text: str, n_layers: int, *, model: str = "The model", kind: str = "mlp"
) -> list[int]:
    """Return the layers that `10,20-22` or `all` names, in that order.

    >>> parse_layers("3,0-1", 12)
    [3, 0, 1]

    Args:
        text: as above.
        n_layers: of the model.
        model: its name, for errors.
        kind: what begins such a reference, for errors.

    Raises:
        SourceError: when the text is neither, counts down, or names a layer twice, or one that is
            not there.
    """
    if text == "all":
        return list(range(n_layers))
    how = f"{kind}:26, {kind}:10,20,26, {kind}:0-11 or {kind}:all"
    return layers_in(text.split(","), n_layers, model=model, how=how)


def layers_in(parts: Sequence[str], n_layers: int, *, model: str, how: str) -> list[int]:
    """Return the layers that parts such as `10` and `20-22` name, in that order.

    Args:
        parts: of a text.
        n_layers: of the model.
        model: its name, for errors.
        how: they are written, likewise.

    Raises:
        SourceError: as `parse_layers` does.
    """
    layers: dict[int, None] = {}
    for part in parts:
        found = _LAYERS.fullmatch(part.strip())
        if found is None:
            raise SourceError(f"{part[:200]!r} names no layers. Write {how}.")
        first = int(found["first"])
        last = int(found["last"] or first)
        if last < first:
            raise SourceError(f"{part!r} counts down. Write {last}-{first}.")
        if last >= n_layers:
            raise SourceError(
                f"{model} has no layer {last}: its {n_layers} layers are 0 to {n_layers - 1}."
            )
        if not layers.keys().isdisjoint(range(first, last + 1)):
            raise SourceError(f"{','.join(parts)!r} names a layer more than once.")
        layers |= dict.fromkeys(range(first, last + 1))
    return list(layers)
