"""Moments from power sums, also when the values are not quite standardised."""

from __future__ import annotations

import numpy as np
import scipy.stats

from unembed.sweep.statistics import moments


def test_moments_from_power_sums() -> None:
    values = np.random.default_rng(0).gamma(2.0, 0.8, (5, 4000)) - 1.3
    sums = np.stack([(values**power).sum(1) for power in (1, 2, 3, 4)], axis=1)
    found = moments(sums, values.shape[1])
    np.testing.assert_allclose(found.mean, values.mean(1))
    np.testing.assert_allclose(found.std, values.std(1))
    np.testing.assert_allclose(found.skewness, scipy.stats.skew(values, axis=1))
    np.testing.assert_allclose(found.kurtosis, scipy.stats.kurtosis(values, axis=1, fisher=False))
