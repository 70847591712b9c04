"""The order of tokens in some rows of a tile, by torch alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unembed.sweep.settings import Weight
from unembed.sweep.tsea.blocks import Blocks, sums_of
from unembed.sweep.tsea.readings import normal_scores

F64 = npt.NDArray[np.float64]


class Ranking(NamedTuple):
    """Some rows of a tile in order.

    Attributes:
        ranks: [R, n + 1] of each row of W_U, from 0; the last is n, of no token.
        weights: [R or 1, n + 1] what a hit at each rank weighs, the last nothing; None where hits
            weigh alike.
    """

    ranks: Int[Tensor, "rows places"]
    weights: Float[Tensor, "_ places"] | None

    @classmethod
    def of(cls, z: Float[Tensor, "rows tokens"], weight: Weight, blocks: Blocks) -> Ranking:
        """Return the ranking of some rows, in which identical rows of W_U stand together."""
        rows, n = z.shape
        order = _order(z, blocks)
        places = torch.arange(n, dtype=torch.int32, device=z.device)
        ranks = torch.full((rows, n + 1), n, dtype=torch.int32, device=z.device)
        ranks.scatter_(1, order, places.expand_as(order))
        if weight == "none":
            return cls(ranks, None)
        if weight == "normal-scores":
            weights = _levelled(normal_scores(n), ranks, blocks)
        else:
            weights = z.gather(1, order).abs().double()
        return cls(ranks, torch.cat([weights, weights.new_zeros(len(weights), 1)], 1))


def _order(z: Tensor, blocks: Blocks) -> Tensor:
    """Return the rows of W_U by falling weight; equal weights in their order (`blocks`)."""
    if not len(blocks.order):
        return (z + 0.0).sort(dim=1, descending=True, stable=True).indices  # -0.0 equals 0.0
    rows = torch.from_numpy(blocks.order).to(z.device)
    return rows.long()[(z[:, rows] + 0.0).sort(dim=1, descending=True, stable=True).indices]


def _levelled(scores: F64, ranks: Tensor, blocks: Blocks) -> Tensor:
    """Return what a hit at each rank weighs [R or 1, n], that of a block the mean of its places.

    Args:
        scores: [n] of each rank.
        ranks: [R, n + 1] of each row of W_U.
        blocks: of rows that stand together.
    """
    weights = torch.from_numpy(scores).to(ranks.device)[None]
    if not len(blocks.heads):
        return weights
    heads, sizes = (
        torch.from_numpy(each).to(ranks.device).long() for each in (blocks.heads, blocks.sizes)
    )
    sums, starts = torch.from_numpy(sums_of(scores)).to(ranks.device), ranks[:, heads].long()
    means = (sums[starts + sizes] - sums[starts]) / sizes
    within = torch.arange(int(blocks.sizes.sum()), device=ranks.device)
    group = torch.repeat_interleave(sizes)
    within -= (sizes.cumsum(0) - sizes)[group]
    return weights.repeat(len(ranks), 1).scatter_(1, starts[:, group] + within, means[:, group])
