"""Some features of a bank, and what the classical null of TSEA says of every set in them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment.claims import Claims
from unembed.enrichment.discovery_rate import LEVELS, DiscoveryRate, log10_q
from unembed.enrichment.token_null import TokenNull
from unembed.sweep import Membership, Sweep, Weight

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
    testable = membership.testable
    tested = alive[:, None] & testable
    rate = DiscoveryRate()
    rate.add(log10_p[alive], testable)
    q = log10_q(log10_p, rate.curve())
    passing = [((q <= np.log10(level)) & tested).sum(1) for level in LEVELS]
    return Claims(chosen.astype(np.int64), tested.sum(1), np.stack(passing, 1))
