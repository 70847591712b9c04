"""Which layers of a model a reference names: `26`, `10,20`, `0-11`, `all`."""

from __future__ import annotations

import re

from unembed.errors import SourceError

_LAYERS = re.compile(r"(?P<first>\d+)(?:-(?P<last>\d+))?")


def parse_layers(text: str, n_layers: int, *, kind: str = "mlp") -> list[int]:
    """Return the layers that `10,20-22` or `all` names, in that order.

    >>> parse_layers("3,0-1", 12)
    [3, 0, 1]

    Args:
        text: as above.
        n_layers: of the model.
        kind: what begins such a reference, for errors.

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
                f"{part!r} names no layers. Write {kind}:26, {kind}:10,20,26, {kind}:0-11 or "
                f"{kind}:all."
            )
        first = int(found["first"])
        last = int(found["last"] or first)
        if last < first:
            raise SourceError(f"{part!r} counts down. Write {last}-{first}.")
        layers.extend(range(first, last + 1))
    if len(set(layers)) != len(layers):
        raise SourceError(f"{text!r} names a layer more than once.")
    return layers
