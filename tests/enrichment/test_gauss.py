"""Gaussian rules: what they must be exact for, and rules that are known."""

from __future__ import annotations

import numpy as np
import pytest

from unembed.enrichment.gauss import gauss


@pytest.mark.parametrize("length", [16, 100, 4096, 2**19])
def test_sums_of_polynomials_are_exact(length: int) -> None:
    """Of all the degrees up to 2 · 8 − 1, centred and scaled so that none is all rounding."""
    x = np.arange(length, dtype=np.float64)
    places, weights = gauss(x, np.ones(length), 8)
    assert weights.sum() == pytest.approx(length, rel=1e-13)
    for degree in range(16):
        polynomial = np.polynomial.legendre.Legendre.basis(degree, domain=[0, length - 1])
        assert weights @ polynomial(places) == pytest.approx(
            polynomial(x).sum(), abs=1e-12 * length
        )


def test_of_so_many_steps_that_they_are_an_integral() -> None:
    steps = (np.arange(4000) + 0.5) / 400
    places, weights = gauss(steps**2, np.exp(-(steps**2)) / 400, 5)
    known, theirs = np.polynomial.hermite.hermgauss(10)
    np.testing.assert_allclose(np.sqrt(places), known[5:], rtol=1e-11)
    np.testing.assert_allclose(weights, theirs[5:], rtol=1e-10)
