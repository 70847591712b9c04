"""The leading edge from logit weights alone, against a plain walk down the ranking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from unembed.enrichment.edge import edge_of
from unembed.enrichment.running_sum import running_sum
from unembed.sweep.settings import WEIGHTS, Weight
from unembed.sweep.statistics import OneFeature
from unembed.sweep.tsea.readings import normal_scores
from unembed.ties import ties_of


def by_walk(z: np.ndarray, members: set[int], weight: Weight) -> tuple[float, int, list[int], bool]:
    """ES, peak and the members up to it or after it; and whether another height is as large."""
    n, m = len(z), len(members)
    ranking = sorted(range(n), key=lambda row: (-float(z[row]), row))
    scores = normal_scores(n)
    adds = [
        {"none": 1.0, "normal-scores": scores[place], "magnitude": abs(float(z[row]))}[weight]
        for place, row in enumerate(ranking)
    ]
    total = sum(adds[place] for place, row in enumerate(ranking) if row in members)
    height, es, peak, again = 0.0, 0.0, 0, False
    for place, row in enumerate(ranking):
        inside = row in members
        height += (adds[place] / total if total else 1 / m) if inside else -1 / (n - m)
        same = abs(abs(height) - abs(es)) < 1e-12
        again = same or (again and abs(height) < abs(es))
        if (abs(height) > abs(es) and not same) or (same and height > 0 > es):
            es, peak = height, place + 1
    side = ranking[:peak] if es > 0 else ranking[peak:]
    return es, peak, [row for row in side if row in members], again


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 40), st.sampled_from(WEIGHTS), st.booleans())
def test_against_a_plain_walk(seed: int, n: int, weight: Weight, ties: bool) -> None:
    random = np.random.default_rng(seed)
    z = random.standard_normal(n).astype(np.float32)
    z = z.round() if ties else z
    rows = np.sort(random.choice(n, random.integers(1, n), replace=False))
    es, peak, expected, again = by_walk(z, set(rows.tolist()), weight)
    assume(weight == "none" or not again)  # else rounding decides
    found = edge_of(OneFeature(z, 2.0, 0.5), rows, np.arange(n) + 100, weight)
    assert found.es == pytest.approx(es, abs=1e-9)
    assert (found.peak, found.size) == (peak, len(rows))
    assert found.ids.tolist() == [row + 100 for row in expected]
    np.testing.assert_array_equal(found.weights, (z[expected] * 2 + 0.5).astype(np.float32))
    ranking = np.argsort(-z, kind="stable")
    np.testing.assert_array_equal(ranking[found.ranks - 1], expected)


@pytest.mark.parametrize(("std", "size"), [(0.0, 2), (1.0, 0), (1.0, 5)])
def test_flat_features_and_sets_of_nothing_or_all(std: float, size: int) -> None:
    z = np.zeros(5, np.float32) if std == 0 else np.arange(5, dtype=np.float32)
    found = edge_of(OneFeature(z, std, 0.0), np.arange(size), np.arange(5))
    assert (found.es, found.peak, len(found.ids), found.size) == (0, 0, 0, size)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_tied_tokens_are_in_the_edge_together(weight: Weight) -> None:
    """A block with members of the set is passed in one step, up or down."""
    random = np.random.default_rng(0)
    row = np.arange(200, dtype=np.float32)
    row[50:90] = row[50]
    ties, z = ties_of(row[:, None]), random.standard_normal(200).astype(np.float32)
    z[50:90] = z[50]
    for sign in (1, -1):
        for rows in (np.r_[50:60, 100:140], np.r_[80:90, 100:140]):
            feature = OneFeature(sign * z, 1.0, 0.0)
            found = edge_of(feature, rows, np.arange(200), weight, ties)
            tied = np.intersect1d(found.ids, np.arange(50, 90))
            assert len(tied) in (0, 10)
            assert found.size == 50
            curve = running_sum(sign * z, rows, weight, ties)
            assert (found.es, found.peak) == (curve.es, curve.peak)
            np.testing.assert_array_equal(found.ids, curve.rows[curve.in_leading_edge])
