"""Tables of tail probabilities read with NumPy, against the kernel that reads them in bulk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unembed.enrichment import tails as module
from unembed.enrichment.lookup import log10_p_of_pairs
from unembed.enrichment.tails import Tails


def tables(random: np.random.Generator, count: int, knots: int) -> Tails:
    """Rising knots, some of them twice, falling probabilities, and slopes of any steepness."""
    steps = random.exponential(0.3, (count, knots - 1)) * (random.random((count, knots - 1)) > 0.1)
    falls = random.exponential(2.0, (count, knots - 1))
    start = np.zeros((count, 1))
    z = np.hstack([start, np.cumsum(steps, axis=1)])
    log10_p = -np.hstack([start, np.cumsum(falls, axis=1)])
    steep = np.where(random.random(z.shape) > 0.95, 1e30, 1.0)
    return Tails(z, log10_p, -random.exponential(3.0, z.shape) * steep).single()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 40),
    st.sampled_from([2, 3, 4, 5, 63, 64, 65, 96, 112, 128, 129]),
    st.integers(0, 300),
)
def test_to_the_last_bit(seed: int, count: int, knots: int, pairs: int) -> None:
    random = np.random.default_rng(seed)
    tails = tables(random, count, knots)
    sets = random.integers(0, count, pairs)
    z = (random.standard_normal(pairs) * tails.z[:, -1].max()).astype(np.float32)
    at_knots = random.random(pairs) < 0.3
    z[at_knots] = tails.z[sets, random.integers(0, knots, pairs)][at_knots]
    expected = np.empty(pairs, np.float32)
    log10_p_of_pairs(z, sets, *tails, expected)
    found = tails.log10_p_of(z, sets)
    np.testing.assert_array_equal(found.view(np.int32), expected.view(np.int32))


def test_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    tails, z = tables(random, 3, 20), random.standard_normal(50).astype(np.float32)
    sets = random.integers(0, 3, 50)
    whole = tails.log10_p_of(z, sets)
    monkeypatch.setattr(module, "_PAIRS_AT_ONCE", 7)
    np.testing.assert_array_equal(tails.log10_p_of(z, sets), whole)
