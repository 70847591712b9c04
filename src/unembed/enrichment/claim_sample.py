"""Some features of a bank, and what the classical null of TSEA says of every set in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment.claims import Claims
from unembed.enrichment.discovery_rate import LEVELS, PER_DECADE
from unembed.enrichment.token_null import TokenNull
from unembed.sweep import Membership, Sweep, Weight

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

SAMPLED = 64
"""Features of each bank, or all where there are no more."""


def sample_claims(
    W_dec: Float[Tensor, "features d_model"],
    sweep: Sweep,
    membership: Membership,
    weight: Weight,
    tokens: TokenNull,
    seed: int,
) -> Claims:
    """Return what the classical null says of a random sample of features.

    Args:
        W_dec: [F, d_model] of the bank.
        sweep: of the run.
        membership: the token sets over the rows of W_U.
        weight: what a hit adds to ES.
        tokens: the classical null.
        seed: decides the sample.
    """
    count = min(SAMPLED, len(W_dec))
    chosen = np.sort(np.random.default_rng(seed).choice(len(W_dec), count, replace=False))
    log10_p = np.zeros((count, len(membership)), np.float32)
    alive, done = np.zeros(count, bool), 0
    for tile in sweep.tiles(W_dec[chosen]):
        part = slice(done, done + len(tile.mean))
        log10_p[part] = tokens.log10_p(sweep.tsea(tile, membership, weight).es)
        alive[part] = tile.features.std > 0
        done = part.stop
    tested = alive[:, None] & membership.testable
    sample = _Sample.of(log10_p, tested)
    without = [sample.passing_without(row) / max(count - 1, 1) for row in range(count)]
    return Claims(chosen.astype(np.int64), tested.sum(1), sample.passing(), np.stack(without))


class _Sample(NamedTuple):
    """How many tested pairs each feature of a sample has up to every p that occurs, rising.

    Attributes:
        p: [B]
        upto: [k, B]
        all_upto: [B] of all features together.
    """

    p: F64
    upto: I64
    all_upto: I64

    @classmethod
    def of(cls, log10_p: F32, tested: npt.NDArray[np.bool_]) -> _Sample:
        """Return the counts of pairs [k, S], to 1/512 of a decade."""
        steps = np.floor(log10_p[tested] * PER_DECADE).astype(np.int64)
        values, places = np.unique(steps, return_inverse=True)
        owner = np.nonzero(tested)[0]
        counts = np.bincount(owner * len(values) + places, minlength=len(tested) * len(values))
        upto = counts.reshape(len(tested), len(values)).cumsum(1)
        return cls(10 ** ((values + 1) / PER_DECADE), upto, upto.sum(0))

    def passing(self) -> I64:
        """Return [k, 2] how many pairs of each feature pass at each of `LEVELS`."""
        return self._at(self.upto, self.all_upto)

    def passing_without(self, feature: int) -> I64:
        """Return [2] how many pairs pass at each of `LEVELS` where one feature takes no part."""
        others = self.all_upto - self.upto[feature]
        return self._at(others, others)

    def _at(self, counts: I64, upto: I64) -> I64:
        """Return [·, 2] the counts [·, B] up to the last p that passes at each level.

        By Benjamini and Hochberg, the last one that is at most level · rank / pairs.
        """
        found = np.zeros((*counts.shape[:-1], len(LEVELS)), np.int64)
        for at, level in enumerate(LEVELS):
            passes = np.flatnonzero(self.p * max(upto[-1:], default=0) <= level * upto)
            if len(passes):
                found[..., at] = counts[..., passes[-1]]
        return found
