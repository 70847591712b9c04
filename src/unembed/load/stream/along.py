"""Where along the residual stream a hook's directions are, or join it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from unembed.load.stream.sites import site_of

Along = Literal["embedding", "block_input", "attention", "between", "mlp", "block_output"]


class Point(NamedTuple):
    """A point of the residual stream.

    Attributes:
        along: `embedding`; or, of a block, what it reads, what its attention adds, the stream
            between attention and MLP, what its MLP adds, and what it puts out.
        block: counted from 0; None for the embedding.
    """

    along: Along
    block: int | None = None


_STREAM: tuple[tuple[Along, str], ...] = (
    ("block_input", r".*\.hook_resid_pre"),
    ("between", r".*\.hook_resid_mid"),
    ("attention", r".*\.(?:hook_attn_out|post_self_attn_layernorm(?:\.output)?)"),
    ("mlp", r".*\.(?:hook_mlp_out|post_(?:feedforward|mlp)_layernorm(?:\.output)?)"),
)
"""Hooks whose directions need no matrix of the model, but the outputs of blocks."""


def point_of(hook: str) -> Point:
    """Return where along the residual stream a hook is.

    >>> point_of("blocks.8.hook_resid_pre")
    Point(along='block_input', block=8)
    >>> point_of("model.layers.3.mlp"), point_of("model.layers.3")
    (Point(along='mlp', block=3), Point(along='block_output', block=3))

    Raises:
        FormatError: when what is there is not written to the stream, or the name is not known.
    """
    kind, block = site_of(hook)
    if block is None:
        return Point("embedding")
    if kind in ("mlp", "neurons"):
        return Point("mlp", block)
    if kind != "stream":
        return Point("attention", block)
    found = (along for along, pattern in _STREAM if re.fullmatch(pattern, hook))
    return Point(next(found, "block_output"), block)
