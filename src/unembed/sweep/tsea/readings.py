"""What TSEA says of a tile of features, on any device."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int


class TseaReadings(NamedTuple):
    """Signed enrichment of S token sets in the rankings of T features, or of P single pairs.

    Tokens are ranked by logit weight, highest first, equal ones in token-id order; those whose rows
    of W_U are the same stand together, and are passed in one step (`blocks`). Sets of no or of
    all tokens, and flat features, have es 0, peak 0 and auroc ½. Hits that all weigh nothing (the
    one in the very middle, by normal scores) weigh alike.

    Attributes:
        es: [T, S] or [P] the running sum's value of largest magnitude, with its sign; +
            promotes. Of equal magnitudes the positive one.
        peak: [T, S] or [P] after how many tokens of the ranking the running sum is at es, 0 to n.
        auroc: [T, S] or [P] probability that a token of the set outranks one that is not in it.
    """

    es: Float[np.ndarray, "*pairs"]
    peak: Int[np.ndarray, "*pairs"]
    auroc: Float[np.ndarray, "*pairs"]

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> TseaReadings:
        """Return what sets of no token have."""
        return cls(np.zeros(shape), np.zeros(shape, np.int32), np.full(shape, 0.5))


def normal_scores(n_tokens: int) -> npt.NDArray[np.float64]:
    """Return |Φ⁻¹((r − ½) / n)| for the ranks r = 1 … n: what a hit at each rank weighs."""
    from scipy.special import ndtri  # takes longer to import than all else here

    scores: npt.NDArray[np.float64] = np.abs(ndtri((np.arange(n_tokens) + 0.5) / n_tokens))
    return scores
