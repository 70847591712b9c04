"""Points and counts: nothing is lost, nothing is there twice."""

from __future__ import annotations

import numpy as np
import pytest

from unembed.plots.density import ALONE, MAX_POINTS, density, drawn_first

RANGE = (-6.0, 6.0)


def cloud(n: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(n)
    x, y = random.standard_normal((2, n)).clip(-5.9, 5.9)
    return x, y


@pytest.mark.parametrize("n", [0, 1, MAX_POINTS, MAX_POINTS + 1, 200_000])
def test_points_and_counts_add_up(n: int) -> None:
    found = density(*cloud(n), RANGE, RANGE)
    assert found.alone.sum() + found.binned == n
    assert found.binned == 0 if n <= MAX_POINTS else found.alone.sum() <= ALONE


def test_what_is_drawn_first_is_drawn_in_the_thick_of_it() -> None:
    x, y = cloud(50_000)
    inmost = np.argsort(np.hypot(x, y))[:40]
    assert not density(x, y, RANGE, RANGE).alone[inmost].any()
    found = density(x, y, RANGE, RANGE, first=drawn_first(len(x), inmost))
    assert found.alone[inmost].all()
    assert found.alone.sum() + found.binned == 50_000


def test_significant_points_are_drawn_unless_they_are_too_many() -> None:
    few, many = np.zeros((2, 10_000), bool)
    few[:ALONE], many[: ALONE + 1] = True, True
    named = np.array([9_999])
    assert drawn_first(10_000, named, few).sum() == ALONE + 1
    assert drawn_first(10_000, named, many).sum() == 1


def test_points_on_the_edge_are_in_a_cell() -> None:
    ends = np.full(MAX_POINTS + 1, RANGE[1])
    found = density(ends, ends, RANGE, RANGE)
    assert found.counts[-1, -1] == MAX_POINTS + 1
