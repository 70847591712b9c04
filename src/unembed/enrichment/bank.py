"""One bank's features against every token set, tile by tile: all that is measured of a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.discovery_rate import DiscoveryRate, log10_q
from unembed.enrichment.pairs import Pairs
from unembed.enrichment.passing import Passing
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.strongest_members import rests_on, strongest_members, z_without
from unembed.enrichment.token_null import TokenNull
from unembed.sweep import Membership, Sweep, Tile, TseaReadings, Weight

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tsea:
    """What it takes to read TSEA beside the direction test.

    Attributes:
        sweep: of the run.
        weight: what a hit adds to ES.
        simulated: ES of random directions.
        tokens: the classical null; None for weights without one.
        of_all: whether it is read of every pair, or of those that pass.
    """

    sweep: Sweep
    weight: Weight
    simulated: SimulatedNull
    tokens: TokenNull | None
    of_all: bool = False


class BankEnrichment:
    """The reader of one bank.

    Args:
        test: the bank's direction test.
        membership: the token sets over the rows of W_U.
        passing: the pairs that pass, by the direction test, of the features that are read.
        curve: log10 q by log10 p, over all pairs of the bank (`DiscoveryRate.curve`).
        largest: the log10 p up to which pairs pass.
        tsea: for ES and AUROC; None for the direction test alone.

    Attributes:
        test: the bank's direction test.
        claims: what the classical null says of every pair, where TSEA is read of every one.
    """

    def __init__(
        self,
        test: DirectionTest,
        membership: Membership,
        passing: Passing,
        curve: F32,
        largest: float,
        tsea: Tsea | None = None,
    ) -> None:
        self.test = test
        self.claims = DiscoveryRate()
        self._passing = passing
        self._membership = membership
        self._curve = curve
        self._critical = test.critical(largest)
        self._tsea = tsea

    def read(self, tile: Tile, first: int) -> tuple[Pairs, TseaReadings | None]:
        """Return the pairs of a tile that pass, and TSEA of every pair [T, S] if it is read of all.

        Args:
            tile: of the sweep.
            first: the position of its first feature among those that are read.
        """
        found = self._passing.of(first, first + len(tile.mean))
        feature, token_set = found.feature.astype(np.int64), found.token_set.astype(np.int64)
        log10_q_of_pairs = log10_q(found.log10_p, self._curve)
        every, own = self._readings(tile, feature, token_set)
        strongest = strongest_members(tile.z, feature, token_set, found.z > 0, self._membership)
        left = z_without(self.test, token_set, found.z, strongest)
        pairs = Pairs(
            feature, token_set, found.z, found.log10_p, log10_q_of_pairs, left[:, 0], left[:, 1],
            rests_on(found.z, left, self._critical[token_set]), *self._scored(own, token_set),
        )  # fmt: skip
        return pairs, every

    def _readings(
        self, tile: Tile, feature: npt.NDArray[np.int64], token_set: npt.NDArray[np.int64]
    ) -> tuple[TseaReadings | None, TseaReadings | None]:
        """Return TSEA of every pair, and of those that pass; None where it is left out."""
        tsea = self._tsea
        if tsea is None:
            return None, None
        if not tsea.of_all:
            own = tsea.sweep.tsea_of(tile, feature, token_set, self._membership, tsea.weight)
            return None, own
        every = tsea.sweep.tsea(tile, self._membership, tsea.weight)
        if tsea.tokens is not None:
            alive = tile.features.std > 0
            self.claims.add(tsea.tokens.log10_p(every.es)[alive], self._membership.testable)
        return every, TseaReadings(*(each[feature, token_set] for each in every))

    def _scored(
        self, read: TseaReadings | None, token_set: npt.NDArray[np.int64]
    ) -> tuple[F64, npt.NDArray[np.int32], F64, F64, F64, F64]:
        """Return ES, peak and AUROC of pairs, and ES against each null; NaN where left out."""
        nothing = np.full(len(token_set), np.nan)
        if read is None or self._tsea is None:
            nowhere = np.zeros(len(token_set), np.int32)
            return nothing, nowhere, nothing, nothing, nothing, nothing
        simulated, tokens = self._tsea.simulated, self._tsea.tokens
        return (
            *read,
            simulated.normalised(read.es, token_set),
            simulated.p_values(read.es, token_set),
            nothing if tokens is None else tokens.log10_p_of_sets(token_set, read.es).astype(float),
        )
