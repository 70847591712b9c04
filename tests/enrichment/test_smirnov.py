"""One-sided ES of random sets: against SciPy's exact test, and the formula summed term by term."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp
from scipy.stats import ks_2samp

from unembed.enrichment.smirnov import log_one_sided

F64 = NDArray[np.float64]


@pytest.mark.parametrize(("m", "n"), [(1, 30), (3, 60), (25, 100), (40, 2000)])
def test_against_the_exact_test(m: int, n: int) -> None:
    """For sets of every m-th place from some place on, whose ES⁺ goes from small to 1."""
    values, expected = [], []
    for start in np.linspace(0, n - m, 12, dtype=np.int64):
        ranks = np.linspace(start, n - 1, m, dtype=np.int64)
        others = np.setdiff1d(np.arange(n), ranks)
        exact = ks_2samp(ranks, others, alternative="less", method="exact")
        if exact.statistic > 0:
            values.append(exact.statistic)
            expected.append(exact.pvalue)
    assert len(values) > 8
    found = log_one_sided(np.array([values]), np.array([m]), n)[0]
    np.testing.assert_allclose(found, np.log(expected), rtol=1e-8, atol=1e-10)


def term_by_term(d: float, m: int, n: int) -> float:
    a, b = d * (n - m), n / m
    i = np.arange(int(m * (1 - d) + 1e-9) + 1)
    place = a + b * i
    paths = np.log(a / place) + log_choose(place, i) + log_choose(n - place, m - i)
    return float(min(logsumexp(paths) - log_choose(np.float64(n), np.float64(m)), 0))


def log_choose(n: F64, k: F64) -> F64:
    value: F64 = gammaln(n + 1) - gammaln(k + 1) - gammaln(np.maximum(n - k, 0) + 1)
    return value


@pytest.mark.parametrize("n", [40, 300, 9000, 300_000])
def test_blocks_are_worth_their_terms(n: int) -> None:
    """From one term to 150,000, all alike or in a narrow peak."""
    sizes = np.unique(np.geomspace(1, n // 2, 9).astype(np.int64))
    shares = np.array([1e-4, 0.003, 0.02, 0.1, 0.4, 0.8, 0.97, 1])
    es = np.array([np.maximum(shares, 0.1 / np.sqrt(m)) for m in sizes])
    found = log_one_sided(es, sizes, n)
    for row, m in enumerate(sizes):
        expected = [term_by_term(d, int(m), n) for d in es[row]]
        np.testing.assert_allclose(found[row], expected, rtol=1e-10, atol=1e-9)


def test_threads_change_no_bit() -> None:
    sizes = np.array([1, 7, 250, 2000])
    es = np.linspace(0.01, 1, 300)[None].repeat(len(sizes), 0)  # more than a thread takes
    at_once = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        found = log_one_sided(es, sizes, 5000)
        torch.set_num_threads(1)
        np.testing.assert_array_equal(found, log_one_sided(es, sizes, 5000))
    finally:
        torch.set_num_threads(at_once)
