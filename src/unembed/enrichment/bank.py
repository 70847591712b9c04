"""One bank's features against every token set, tile by tile: scores, and pairs worth keeping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q, threshold
from unembed.enrichment.pairs import Pairs
from unembed.enrichment.settings import EnrichmentSettings
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.token_null import TokenNull
from unembed.sweep import Membership, Tile

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_MARGIN = 0.5


@dataclass(frozen=True, eq=False)
class Tsea:
    """What it takes to read TSEA beside the direction test.

    Attributes:
        membership: the token sets over the rows of W_U.
        simulated: ES of random directions.
        tokens: the classical null; None for weights without one.
    """

    membership: Membership
    simulated: SimulatedNull
    tokens: TokenNull | None


class BankEnrichment:
    """The reader of one bank.

    Args:
        test: the bank's direction test.
        curve: log10 q by log10 p, over all pairs of the bank (`DiscoveryRate.curve`).
        settings: what is kept.
        tsea: for ES and AUROC; None for the direction test alone.
    """

    def __init__(
        self,
        test: DirectionTest,
        curve: F32,
        settings: EnrichmentSettings,
        tsea: Tsea | None = None,
    ) -> None:
        self.test = test
        self.tsea = tsea
        self.claims = DiscoveryRate()
        self._curve = curve
        self._weight = settings.weight
        self._log10_max_q = np.float32(np.log10(settings.max_q))
        self._critical = _critical(test, threshold(curve, settings.max_q))

    def read(self, tile: Tile) -> tuple[F32, Pairs]:
        """Return z of every pair of a tile [T, S], and the pairs that pass.

        What the classical null of tokens says of every pair is counted in `claims`.

        Args:
            tile: of the sweep.
        """
        z = self.test.z(tile.features.scaled)
        feature, token_set = np.nonzero(np.abs(z) >= self._critical)
        log10_p = self.test.log10_p_of_sets(token_set, z[feature, token_set])
        q = log10_q(log10_p, self._curve)
        kept = q <= self._log10_max_q
        feature, token_set = feature[kept], token_set[kept]
        scores = self._tsea(tile, feature, token_set)
        found = (z[feature, token_set], log10_p[kept], q[kept], *scores)
        return z, Pairs(feature, token_set, *found)

    def _tsea(
        self, tile: Tile, feature: npt.NDArray[np.int64], token_set: npt.NDArray[np.int64]
    ) -> tuple[F64, npt.NDArray[np.int32], F64, F64, F64, F64]:
        nothing = np.full(len(feature), np.nan)
        if self.tsea is None:
            zero = np.zeros(len(feature), np.int32)
            return nothing, zero, nothing, nothing, nothing, nothing
        read = self.test.sweep.tsea(tile, self.tsea.membership, self._weight)
        es = read.es[feature, token_set]
        by_tokens = nothing
        if self.tsea.tokens is not None:
            log10_p = self.tsea.tokens.log10_p(read.es)
            alive = tile.features.std > 0
            self.claims.add(log10_p[alive], self.tsea.membership.testable)
            by_tokens = log10_p[feature, token_set].astype(np.float64)
        return (
            es,
            read.peak[feature, token_set],
            read.auroc[feature, token_set],
            self.tsea.simulated.normalised(es, token_set),
            self.tsea.simulated.p_values(es, token_set),
            by_tokens,
        )


def _critical(test: DirectionTest, log10_p: float) -> F32:
    """[S] the |z| from which a pair may pass, a little below where it does."""
    critical = np.full(len(test.effects), np.inf, np.float32)
    if np.isfinite(log10_p):
        tails = test.tails
        critical[test.testable] = [
            np.interp(-log10_p, -p, z) - _MARGIN
            for z, p in zip(tails.z, tails.log10_p, strict=True)
        ]
    return np.maximum(critical, np.float32(1e-6))
