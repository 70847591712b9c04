"""What the classical null of TSEA would claim, from a random sample of a bank's features.

They take the enrichment score of every set, of which nobody reads the rest: so they are asked of as
many features as tell it with a small error (`claim_sample`), and not of all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.enrichment.discovery_rate import LEVELS

I64 = npt.NDArray[np.int64]


class Claims(NamedTuple):
    """The sampled features of a bank, and what the classical null says of each.

    Attributes:
        feature: [k] positions in the bank, ascending.
        pairs: [k] how many of its pairs were tested.
        passing: [k, 2] how many of them have a q-value, over all pairs of the sample, up to each of
            `LEVELS`.
    """

    feature: I64
    pairs: I64
    passing: I64

    def expected(self, features: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return how many pairs of the whole bank would be claimed [2], and the standard errors.

        Args:
            features: how many the bank has.
        """
        count = len(self.feature)
        mean = self.passing.mean(0)
        spread = self.passing.std(0, ddof=1) if count > 1 else np.zeros(len(LEVELS))
        left_out = 1 - count / features
        return features * mean, features * spread * np.sqrt(left_out / count)
