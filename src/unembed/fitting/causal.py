"""What a direction does when it is added where it is written: the truth that lenses are held to.

A direction is added to the stream behind its block at every position, at a small share of the
stream's own length, and taken away likewise; half the difference of the logits at the last position
is what it does, freed of all that does not depend on its sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.fitting.blocks import Blocks
from unembed.fitting.check_settings import STRENGTH
from unembed.fitting.replay import Replay
from unembed.progress import Report


def logit_changes(
    blocks: Blocks,
    prompts: Sequence[Int[Tensor, "_ _"]],
    layer: int,
    directions: Float[Tensor, "directions d_model"],
    *,
    strength: float = STRENGTH,
    report: Report | None = None,
) -> Float[Tensor, "directions vocabulary"]:
    """Return how much each direction moves every token's logit, a mean over prompts.

    Args:
        blocks: of the model.
        prompts: their tokens [prompts, tokens], those of one length together.
        layer: behind whose block they are added; −1 for the embedding.
        directions: of any length but 0; each is scaled to the same.
        strength: how long, in lengths of the stream.
        report: told how many directions are done, with each batch of prompts.
    """
    unit = directions / directions.norm(dim=1, keepdim=True)
    done, total = 0, len(prompts) * len(unit)
    with torch.no_grad():
        length = strength * _typical_length(blocks, prompts, layer)
        steps = (unit * length).to(blocks.device, blocks.dtype)
        sums: list[Tensor | float] = [0.0] * len(steps)
        for ids in prompts:
            with Replay(blocks, ids, layer).behind():
                for at, step in enumerate(steps):
                    up, down = (_last_logits(blocks, ids, layer, sign * step) for sign in (1, -1))
                    sums[at] = sums[at] + ((up - down) / 2).float().sum(0).cpu()
                    done += 1
                    if report is not None:
                        report(done, total)
    return torch.stack([torch.as_tensor(each, device="cpu") for each in sums]) / sum(
        map(len, prompts)
    )


def _typical_length(blocks: Blocks, prompts: Sequence[Tensor], layer: int) -> float:
    lengths: list[Tensor] = []

    def measure(stream: Tensor) -> Tensor:
        lengths.append(stream.norm(dim=-1).flatten())
        return stream

    with blocks.changed(layer, measure):
        for ids in prompts:
            blocks.run(ids)
    return float(torch.cat(lengths).median())


def _last_logits(blocks: Blocks, ids: Tensor, layer: int, added: Tensor) -> Tensor:
    """Return the logits [prompts, vocabulary] behind the last token, with something added."""
    with blocks.changed(layer, lambda stream: stream + added):
        return blocks.last_logits(ids)
