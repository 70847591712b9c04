"""Moments from power sums, also when the values are not quite standardised."""

from __future__ import annotations

import numpy as np
import scipy.stats

from unembed.sweep.statistics import moments


def test_moments_from_power_sums() -> None:
    values = np.random.default_rng(0).gamma(2.0, 0.8, (5, 4000)) - 1.3
    powers = [*(values**power for power in (1, 2, 3, 4)), values**3 * np.abs(values)]
    sums = np.stack([power.sum(1) for power in powers], axis=1)
    found = moments(sums, values.shape[1])
    np.testing.assert_allclose(found.mean, values.mean(1))
    np.testing.assert_allclose(found.std, values.std(1))
    np.testing.assert_allclose(found.skewness, scipy.stats.skew(values, axis=1))
    np.testing.assert_allclose(found.kurtosis, scipy.stats.kurtosis(values, axis=1, fisher=False))


def test_each_tail_has_a_kurtosis_of_its_own() -> None:
    """Also where a token is so far out that no bin of the histogram says how far."""
    values = np.random.default_rng(1).standard_normal((3, 4000))
    values[0, 7], values[1, 7] = 30, -25
    values = (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)
    sums = np.stack([*((values**p).sum(1) for p in (1, 2, 3, 4)), (values**3 * abs(values)).sum(1)])
    found = moments(sums.T, values.shape[1])
    fourth = values**4
    np.testing.assert_allclose(found.left_tail, 2 * (fourth * (values < 0)).mean(1))
    np.testing.assert_allclose(found.right_tail, 2 * (fourth * (values > 0)).mean(1))
    np.testing.assert_allclose((found.left_tail + found.right_tail) / 2, found.kurtosis)
