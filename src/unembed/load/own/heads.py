"""Attention heads as features: the directions that a head can write into the residual stream."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial

from torch import Tensor

from unembed.errors import SourceError
from unembed.features import Features
from unembed.load.models.model import Model
from unembed.load.names import Source
from unembed.load.own.layers import parse_layers
from unembed.load.stream.passage import head_rows, pass_on
from unembed.outside import limits

HEADS = "head:"
_HEAD = re.compile(r"(?P<layer>\d{1,18})\.(?P<head>\d{1,18})")


def heads_of(text: str, model: Model) -> list[Source]:
    """Return the banks that a reference names, a bank a head, none of them read yet.

    | reference | banks |
    |---|---|
    | `head:8.3`, `head:8.3,9.1` | these heads |
    | `head:8`, `head:8-10`, `head:all` | every head of these layers |

    Args:
        text: what follows `head:`.
        model: the model whose heads are meant.

    Raises:
        SourceError: when it names none, or a layer or head that the model does not have.
    """
    named: dict[tuple[int, int], None] = {}
    for part in text.split(","):
        found = _HEAD.fullmatch(part.strip())
        if found:
            _add(named, [(int(found["layer"]), int(found["head"]))], text)
            continue
        for layer in parse_layers(part.strip(), model.n_layers, model=model.name, kind="head"):
            _add(named, [(layer, head) for head in range(model.n_heads(layer))], text)
    attention_out = lru_cache(maxsize=1)(model.attention_out)  # the heads of a layer share it
    return [
        Source(f"{HEADS}{layer}.{head}", partial(read_head, model, layer, head, attention_out))
        for layer, head in named
    ]


def _add(named: dict[tuple[int, int], None], heads: list[tuple[int, int]], text: str) -> None:
    if not named.keys().isdisjoint(heads):
        raise SourceError(f"{text!r} names a head more than once.")
    named |= dict.fromkeys(heads)
    if len(named) > limits.PLACES:
        raise SourceError(f"{text!r} names more than {limits.PLACES:,} heads. Name fewer at once.")


def read_head(
    model: Model,
    layer: int,
    head: int,
    attention_out: Callable[[int], Tensor] | None = None,
) -> Features:
    """Return the output directions of an attention head as a bank named `head.LAYER.HEAD`.

    Row i is what entry i of the head's output z adds to the residual stream: its row of W_O,
    ⊙ the weight of a norm after attention where the model has one.

    Args:
        model: the model.
        layer: counted from 0.
        head: counted from 0.
        attention_out: returns W_O of a layer; by default it is read from the model.

    Raises:
        SourceError: when the model has no such layer or head, or the layer no attention.
        FormatError: when W_O is not the same number of rows a head.
    """
    after = model.after_attention(layer)
    W_O = (attention_out or model.attention_out)(layer)
    return Features.from_array(
        pass_on(head_rows(W_O, model, layer, head), after, model),
        name=f"head.{layer}.{head}",
        origin={
            "format": "attention head",
            "model": model.origin,
            "head": head,
            **({"steps": list(after.steps)} if after.steps else {}),
        },
        hook=f"blocks.{layer}.hook_attn_out",
        layer=layer,
    )
