"""What the classical null of TSEA would claim, from a random sample of a bank's features.

They take the enrichment score of every set, of which nobody reads the rest: so they are asked of as
many features as tell it with a small error (`claim_sample`), and not of all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Claims(NamedTuple):
    """The sampled features of a bank, and what the classical null says of each.

    Attributes:
        feature: [k] positions in the bank, ascending.
        pairs: [k] how many of its pairs were tested.
        passing: [k, 2] how many of them have a q-value, over all pairs of the sample, up to each of
            `LEVELS`.
        without: [k, 2] how many a feature has on average in the sample without this one, by its own
            q-values: the threshold moves with the features that it is told from.
    """

    feature: I64
    pairs: I64
    passing: I64
    without: F64

    def expected(self, features: int) -> tuple[F64, F64]:
        """Return how many pairs of the whole bank would be claimed [2], and the standard errors.

        The errors are the jackknife's (Efron & Stein 1981).

        Args:
            features: how many the bank has.
        """
        count = len(self.feature)
        squares = ((self.without - self.without.mean(0)) ** 2).sum(0)
        left_out = 1 - count / features
        error = features * np.sqrt(squares * (count - 1) / count * left_out)
        return features * self.passing.mean(0), error
