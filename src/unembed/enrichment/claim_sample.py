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
    without = [sample.passing(left_out=row).sum(0) / max(count - 1, 1) for row in range(count)]
    return Claims(chosen.astype(np.int64), tested.sum(1), sample.passing(), np.stack(without))


class _Sample(NamedTuple):
    """How many tested pairs each feature of a sample has at every p that occurs, rising.

    Attributes:
        log10_p: [B]
        counts: [k, B]
    """

    log10_p: F64
    counts: I64

    @classmethod
    def of(cls, log10_p: F32, tested: npt.NDArray[np.bool_]) -> _Sample:
        """Return the counts of pairs [k, S], to 1/512 of a decade."""
        steps = np.floor(log10_p[tested] * PER_DECADE).astype(np.int64)
        values, places = np.unique(steps, return_inverse=True)
        owner = np.nonzero(tested)[0]
        counts = np.bincount(owner * len(values) + places, minlength=len(tested) * len(values))
        return cls((values + 1) / PER_DECADE, counts.reshape(len(tested), len(values)))

    def passing(self, left_out: int | None = None) -> I64:
        """Return [k, 2] how many pairs of each feature pass at each of `LEVELS`.

        Args:
            left_out: a feature that takes no part.
        """
        counts = self.counts if left_out is None else np.delete(self.counts, left_out, 0)
        upto = counts.sum(0).cumsum()
        found = [np.zeros(len(counts), np.int64)] * len(LEVELS)
        for at, level in enumerate(LEVELS):
            # Benjamini and Hochberg: up to the last p that is at most level · rank / pairs
            low = 10**self.log10_p * max(upto[-1:], default=0) <= level * upto
            if low.any():
                found[at] = counts[:, : np.flatnonzero(low)[-1] + 1].sum(1)
        return np.stack(found, 1)
