"""What a direction does when it is added where it is written: the truth that lenses are held to.

A direction is added to the stream behind its block at every position, at a small share of the
stream's own length, and taken away likewise; half the difference of the logits at the last position
is what it does, freed of all that does not depend on its sign.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.fitting.blocks import Blocks
from unembed.progress import Report

STRENGTH = 0.1
"""Of the stream's length behind the block, as a median over positions: its first ones can be a
hundred times as long as all others."""


def logit_changes(
    blocks: Blocks,
    ids: Int[Tensor, "prompts tokens"],
    layer: int,
    directions: Float[Tensor, "directions d_model"],
    *,
    strength: float = STRENGTH,
    report: Report | None = None,
) -> Float[Tensor, "directions vocabulary"]:
    """Return how much each direction moves every token's logit, a mean over prompts.

    Args:
        blocks: of the model.
        ids: of prompts that are all as long.
        layer: behind whose block they are added; −1 for the embedding.
        directions: of any length but 0; each is scaled to the same.
        strength: how long, in lengths of the stream.
        report: told how many directions are done.
    """
    unit = directions / directions.norm(dim=1, keepdim=True)
    with torch.no_grad():
        length = strength * _typical_length(blocks, ids, layer)
        found = []
        for number, direction in enumerate((unit * length).to(blocks.device, blocks.dtype), 1):
            up, down = (_last_logits(blocks, ids, layer, sign * direction) for sign in (1, -1))
            found.append(((up - down) / 2).float().mean(0).cpu())
            if report is not None:
                report(number, len(unit))
    return torch.stack(found)


def _typical_length(blocks: Blocks, ids: Tensor, layer: int) -> float:
    lengths: list[Tensor] = []

    def measure(stream: Tensor) -> Tensor:
        lengths.append(stream.norm(dim=-1))
        return stream

    with blocks.changed(layer, measure):
        blocks.run(ids)
    return float(torch.cat(lengths).median())


def _last_logits(blocks: Blocks, ids: Tensor, layer: int, added: Tensor) -> Tensor:
    """Return the logits [prompts, vocabulary] behind the last token, with something added."""
    with blocks.changed(layer, lambda stream: stream + added):
        return blocks.logits(ids)[:, -1]
