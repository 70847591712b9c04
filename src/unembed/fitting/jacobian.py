"""The Jacobian of one prompt: what a direction behind a block becomes at the end of the blocks.

With h_l[p] the residual stream behind block l at position p, h the stream behind the last block,
before the final norm, and P the positions that count (all but the first few and the last),

    J_l = (1 / |P|) Σ_{p ∈ P} Σ_{p' ∈ P} ∂h[p'] / ∂h_l[p]      [out, in]

Nothing flows backwards in time, so that the inner sum is over p' ≥ p. This is the definition of
the published lenses (https://github.com/anthropics/jacobian-lens): the first positions are left
out because attention rests there and their vectors are far out, the last because the text has no
token that is predicted from it.

A row of J_l is one product of a vector with the Jacobian: one pass backwards with a one at the
row's dimension, at every target position at once. Several rows are made in one pass, from as many
copies of the prompt side by side; the forward pass is made once and its graph kept. (vmap over
cotangents takes less memory and the same time, but not every operation of every model has a rule
for it.)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unembed.fitting.blocks import Blocks
from unembed.progress import Report


def counted_positions(tokens: int, skip: int) -> slice:
    """Return the positions that count, as sources and as targets.

    >>> counted_positions(128, 16)
    slice(16, 127, None)
    """
    return slice(skip, tokens - 1)


def prompt_jacobians(
    blocks: Blocks,
    ids: Tensor,
    layers: Sequence[int],
    *,
    skip: int,
    batch: int,
    report: Report | None = None,
) -> dict[int, Tensor]:
    """Return J_l [d_model, d_model] of one prompt for each layer, on the CPU.

    Float32, or float64 where the model computes in that.

    Args:
        blocks: of the model.
        ids: [tokens] of the prompt.
        layers: the blocks behind which a direction is written; −1 for the embedding.
        skip: positions at the beginning that do not count.
        batch: rows of J made in one pass.
        report: told how many rows are made.
    """
    last = len(blocks) - 1
    d = blocks.d_model
    batch = min(batch, d)
    counted = counted_positions(len(ids), skip)
    wide = torch.float64 if blocks.dtype == torch.float64 else torch.float32
    found = {layer: torch.empty(d, d, dtype=wide, device="cpu") for layer in layers}
    with blocks.streams([*layers, last]) as streams, torch.enable_grad():
        blocks.run(ids[None].expand(batch, -1))
        target = streams[last]
        sources = [streams[layer] for layer in layers]
        for start in range(0, d, batch):
            rows = range(start, min(start + batch, d))
            cotangent = torch.zeros_like(target)
            for place, row in enumerate(rows):
                cotangent[place, counted, row] = 1
            gradients = torch.autograd.grad(target, sources, cotangent, retain_graph=rows.stop < d)
            for layer, gradient in zip(layers, gradients, strict=True):
                means = gradient[: len(rows), counted].to(wide).mean(1)
                found[layer][rows.start : rows.stop] = means.cpu()
            if report is not None:
                report(rows.stop, d)
    return found
