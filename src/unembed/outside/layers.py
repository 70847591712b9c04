"""Layers, heads and experts by the digits of a name."""

from __future__ import annotations

from unembed.errors import FormatError
from unembed.outside import limits


def layer_in(digits: str, name: str) -> int:
    """Return the number of a layer, or of a head, that a name holds.

    >>> layer_in("08", "layer_08.safetensors")
    8

    Args:
        digits: as the name writes it.
        name: the hook, file or path.

    Raises:
        FormatError: when no model has as many.
    """
    if len(digits) > 20 or int(digits) > limits.LAYERS:
        raise FormatError(
            f"{name[-200:]!r} should name a layer; no model has a layer {digits[:20]}"
            f"{'…' if len(digits) > 20 else ''}. Give it its own name again."
        )
    return int(digits)
