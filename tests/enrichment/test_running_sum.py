"""The running sum in full: against a plain loop, and against the reader of the sweep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unembed.enrichment.running_sum import running_sum
from unembed.errors import QueryError
from unembed.sweep import Membership
from unembed.sweep.settings import WEIGHTS, Weight
from unembed.sweep.tsea import cpu
from unembed.sweep.tsea.readings import normal_scores


def by_loop(z: np.ndarray, members: set[int], weight: Weight) -> list[float]:
    """The sum after 0, 1, 2 … tokens, as its definition reads."""
    n = len(z)
    ranking = sorted(range(n), key=lambda row: (-float(z[row]), row))
    adds = {
        "none": lambda rank, row: 1.0,
        "normal-scores": lambda rank, row: float(normal_scores(n)[rank]),
        "magnitude": lambda rank, row: abs(float(z[row])),
    }[weight]
    total = sum(adds(rank, row) for rank, row in enumerate(ranking) if row in members)
    height, heights = 0.0, [0.0]
    for rank, row in enumerate(ranking):
        if row in members:
            height += adds(rank, row) / total if total else 1 / len(members)
        else:
            height -= 1 / (n - len(members))
        heights.append(height)
    return heights


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 60), st.sampled_from(WEIGHTS), st.booleans())
def test_every_place_of_the_curve(seed: int, n: int, weight: Weight, ties: bool) -> None:
    random = np.random.default_rng(seed)
    z = random.standard_normal(n).astype(np.float32)
    z = z.round() if ties else z
    rows = np.sort(random.choice(n, random.integers(1, n), replace=False))
    found = running_sum(z, rows, weight)
    heights = by_loop(z, set(rows.tolist()), weight)
    np.testing.assert_allclose(found.heights, np.array(heights)[found.places], atol=1e-9)
    drawn = np.interp(np.arange(n + 1), found.places, found.heights)
    np.testing.assert_allclose(drawn, heights, atol=1e-9)
    assert abs(found.es) == pytest.approx(np.abs(heights).max(), abs=1e-9)


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("size", [1, 7, 900, 2500])
def test_es_and_peak_are_those_of_the_sweep(weight: Weight, size: int) -> None:
    random = np.random.default_rng(size)
    n = 3000
    z = random.standard_normal((5, n)).astype(np.float32)
    rows = np.sort(random.choice(n, size, replace=False)).astype(np.int32)
    read = cpu.read_tile(z, Membership(n, np.array([0, size]), rows), weight)
    for at in range(len(z)):
        found = running_sum(z[at], rows, weight)
        assert found.es == read.es[at, 0]
        assert found.peak == read.peak[at, 0]


def test_the_leading_edge_is_on_the_side_of_the_sign() -> None:
    z = np.arange(10, 0, -1, dtype=np.float32)
    promoted, suppressed = running_sum(z, np.array([0, 1, 9])), running_sum(z, np.array([0, 8, 9]))
    assert (promoted.es > 0, promoted.in_leading_edge.tolist()) == (True, [True, True, False])
    assert (suppressed.es < 0, suppressed.in_leading_edge.tolist()) == (True, [False, True, True])


@pytest.mark.parametrize("size", [0, 4])
def test_sets_of_nothing_or_all(size: int) -> None:
    with pytest.raises(QueryError, match="nothing to compare"):
        running_sum(np.zeros(4, np.float32), np.arange(size))
