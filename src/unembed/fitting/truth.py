"""How well a lens tells what directions do: its logit weights against the change of the logits.

Of a direction w that is written behind a block, a lens says by how much it moves each token's
logit, W_U A w. What it does move is measured by adding it there (`fitting.causal`). The two are
correlated over all tokens of the run. 1 means that the lens tells all but the size; its square is
the share of the tokens' variance that it accounts for. Chance is what a direction's change has to
do with the weights of the others: all of them have in common what any push does, such as to move
frequent tokens against rare ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.products import lengths, product

HIGH = 0.95
"""Of the shuffled pairings, the share below `Truth.chance_high`."""


@dataclass(frozen=True)
class Truth:
    """How well a lens tells what some directions do.

    Attributes:
        count: of them.
        correlation: of the changes with their own logit weights, over tokens; the median.
        quarter, three_quarters: the quartiles.
        chance: of the changes with the logit weights of the other directions; the median.
        chance_high: below which `HIGH` of these lie.
    """

    count: int
    correlation: float
    quarter: float
    three_quarters: float
    chance: float
    chance_high: float

    @classmethod
    def of(cls, found: Float[np.ndarray, "k m"], first: int, count: int) -> Truth:
        """Return how well a lens tells what some of the directions do.

        Args:
            found: the correlation of each change with each direction's logit weights.
            first: of the directions that are meant.
            count: of them.
        """
        rows = np.arange(first, first + count)
        own = found[rows, rows]
        others = found[rows][rows[:, None] != np.arange(found.shape[1])]
        low, middle, high = map(float, np.quantile(own, (0.25, 0.5, 0.75)))
        chance, chance_high = map(float, np.quantile(others, (0.5, HIGH)))
        return cls(count, middle, low, high, chance, chance_high)


def correlations(
    changes: Float[Tensor, "k n"], weights: Float[Tensor, "m n"]
) -> Float[Tensor, "k m"]:
    """Return the correlation over tokens of every change with every row of logit weights.

    What is the same for all tokens tells nothing: there it is 0.
    """
    return product(_standard(changes), _standard(weights).T)


def _standard(rows: Tensor) -> Tensor:
    """Return rows of mean 0 and length 1, or of zeros."""
    wide = rows.double()
    centred = wide - wide.mean(1, keepdim=True)
    size = lengths(centred)
    size[size <= torch.finfo(rows.dtype).eps * lengths(wide)] = torch.inf
    return centred / size[:, None]
