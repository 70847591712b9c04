"""Gaussian rules: a sum over many places made of its terms at a few."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal

F64 = npt.NDArray[np.float64]


def gauss(x: F64, weight: F64, count: int) -> tuple[F64, F64]:
    """Return places t and weights w with Σ wⱼ f(tⱼ) = Σ weightᵢ f(xᵢ) for smooth f.

    Exactly so for polynomials of degree below 2 · count. The places are the eigenvalues of the
    Jacobi matrix of the polynomials that are orthogonal over x (Golub & Welsch 1969), made one from
    the other by Stieltjes' procedure, which is stable while they are few (Gautschi 1982).

    >>> gauss(np.arange(100.0), np.ones(100), 1)
    (array([49.5]), array([100.]))

    Args:
        x: [N] where the terms stand.
        weight: [N] of each, none of them negative.
        count: how many are to do for all, well below N.
    """
    total = weight.sum()
    diagonal, beside = np.empty(count), np.empty(count)
    last, polynomial = np.zeros(len(x)), np.full(len(x), total**-0.5)
    for k in range(count):
        diagonal[k] = (weight * x * polynomial**2).sum()
        following = (x - diagonal[k]) * polynomial - (beside[k - 1] if k else 0.0) * last
        beside[k] = np.sqrt((weight * following**2).sum())
        last, polynomial = polynomial, following / beside[k]
    values, vectors = eigh_tridiagonal(diagonal, beside[:-1])
    return values, total * vectors[0] ** 2
