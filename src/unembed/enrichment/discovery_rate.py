"""The false discovery rate over any number of pairs, without holding or sorting them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

LEVELS = (0.01, 0.05)
"""False discovery rates that a summary counts at."""
PER_DECADE = 512
_DECADES = 1100


class DiscoveryRate:
    """Benjamini & Hochberg's q-values (1995) from counts of log10 p in fine bins.

    A pair's q is that of its bin's larger end: never below the exact one, and at most 0.45 % above
    (1/512 of a decade). Counts of parts add up, so that a billion pairs need no memory.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(_DECADES * PER_DECADE + 1, np.int64)

    @property
    def pairs(self) -> int:
        """How many pairs were counted."""
        return int(self.counts.sum())

    def add(
        self, log10_p: Float[np.ndarray, "features sets"], tested: npt.NDArray[np.bool_]
    ) -> None:
        """Count the pairs of the tested sets.

        Args:
            log10_p: [F, S] float32.
            tested: [S] which sets count.
        """
        from unembed.enrichment.lookup import add_to_bins  # compiled; those who read need it not

        add_to_bins(log10_p, tested, PER_DECADE, self.counts)

    def add_pairs(
        self, log10_p: npt.NDArray[np.floating], counts: npt.NDArray[np.int64] | None = None
    ) -> None:
        """Count single pairs, or so many pairs of which it is known that p is at most this.

        Args:
            log10_p: [P]
            counts: [P] of how many pairs each is; of one, if None.
        """
        bins = _bins(log10_p, len(self.counts))
        np.add.at(self.counts, bins, 1 if counts is None else counts)

    def passing(self, *levels: float) -> list[int]:
        """Return how many of the pairs that were counted have q up to each of some levels."""
        curve = self.curve()
        return [int(self.counts[curve <= np.log10(level)].sum()) for level in levels]

    def curve(self) -> npt.NDArray[np.float32]:
        """Return log10 q for each bin of −log10 p, the most significant last.

        Bin i holds pairs with −log10 p from i/512 on. Past the last bin, 10⁻¹¹⁰⁰, q stays.
        """
        at_least = np.cumsum(self.counts[::-1])[::-1]
        edges = -np.arange(len(self.counts)) / PER_DECADE
        q = np.log10(max(self.pairs, 1)) + edges - np.log10(np.maximum(at_least, 1))
        curve: npt.NDArray[np.float32] = np.minimum(np.minimum.accumulate(q), 0).astype(np.float32)
        return curve


def log10_q(
    log10_p: npt.NDArray[np.floating], curve: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return log10 q of each log10 p, by the curve of all pairs."""
    return curve[_bins(log10_p, len(curve))]


def threshold(curve: npt.NDArray[np.float32], max_q: float) -> float:
    """Return the largest log10 p whose q is at most max_q; −inf where there is none."""
    passing = np.flatnonzero(curve <= np.log10(max_q))
    return -float(passing[0]) / PER_DECADE if len(passing) else -np.inf


def _bins(log10_p: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.int64]:
    return np.minimum((-log10_p * PER_DECADE).astype(np.int64), count - 1)
