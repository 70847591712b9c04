"""What would pass if tokens changed places: every set with as many tokens, but other ones.

A feature with a few extreme tokens gives any small set that happens to hold one an extreme mean. So
a set may pass for the sake of one token, whatever the others are. How many pairs pass when the
tokens of W_U are permuted, all sets alike, says how many of those that do pass are no evidence for
the set as a whole (`Pairs.rests_on` says which they may be).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Permuted(NamedTuple):
    """What passes in some features of a bank, the tokens being permuted.

    Attributes:
        feature: [k] positions in the bank, ascending.
        pairs: [k, 2] pairs that would pass at each of `LEVELS`.
        found: [k, 2] 1 where the feature would.
    """

    feature: I64
    pairs: I64
    found: I64

    def expected(self, features: int) -> tuple[F64, F64, F64]:
        """Return how many pairs and features of the whole bank would pass [2], each level.

        And the standard error of the pairs; 0 where all features were asked.

        Args:
            features: how many the bank has.
        """
        count = len(self.feature)
        spread = self.pairs.std(0, ddof=1) if count > 1 else np.zeros(self.pairs.shape[1])
        error = features * spread * np.sqrt((1 - count / features) / count)
        return features * self.pairs.mean(0), features * self.found.mean(0), error
