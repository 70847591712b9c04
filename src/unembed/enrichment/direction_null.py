"""The null of the direction test, exactly: how far a random direction shifts a set.

For w ~ N(0, M), t = δ·w / sqrt(wᵀΣw) is a ratio of Gaussians. With any root R Rᵀ = M, A = Rᵀ Σ R =
Q diag(a) Qᵀ and b = Qᵀ Rᵀ δ, |t| > c says that a quadratic form in independent normals,
xᵀ(b bᵀ − c² diag(a))x, is positive. It has one positive eigenvalue, so that the inversion integral
of its characteristic function wraps around a single branch cut and becomes real and positive:

    P(|t| > c) = 1/π ∫ from u* of e^{−A(u)} / (u sqrt(h(u)/c² − 1)) du

with A(u) = ½ Σ log(1 + u aᵢ), h(u) = u Σ bᵢ²/(1 + u aᵢ), and u* where h(u*) = c². Nothing cancels,
so it holds to the last digits at any depth. A(u) is every set's, and h is linear in bᵢ²: over
common nodes u, the tables of all sets are one matrix product.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from torch import Tensor

from unembed.enrichment.second_moment import SecondMoment
from unembed.enrichment.tails import Tails
from unembed.products import array_product, eigh, product

F64 = npt.NDArray[np.float64]

_N_KNOTS = 112
_SCALE, _STEP = 8.0, 0.025
"""Knots at w = 8 sinh(0.025 k): 0.2 apart in the middle, 70 at the end. w is what a normal
deviate's |z| would be, so that tables reach a log10 p of about −1,000."""
_N_NODES = 20
_REACH = 6.2
"""Nodes reach to where e^{−y²} is below 1e-16."""
_SETS_AT_ONCE = 512
_UNSEEN = 1e-12
_STEEPEST = 1e30


class DirectionNull:
    """The distribution of t over random directions w ~ N(0, M).

    Args:
        covariance: Σ = W_Uᵀ W_U / n, [d, d] float64.
        moment: M, of what directions are like.
    """

    def __init__(self, covariance: Float[Tensor, "d d"], moment: SecondMoment) -> None:
        root = moment.root
        values, vectors = eigh(product(product(root.T, covariance), root))
        self._basis: F64 = product(root, vectors).numpy()
        a: F64 = values.numpy()
        self._seen = a > _UNSEEN * a[-1]
        self._a: F64 = np.where(self._seen, a, 0.0)

    def sd(self, delta: Float[np.ndarray, "sets d"]) -> F64:
        """Return the standard deviation of each set's t, exactly.

        E[t²] = Σ gᵢ bᵢ² with gᵢ = ½ ∫ from 0 of e^{−A(u)} / (1 + u aᵢ) du, common to all sets. (The
        ratio of the expectations, δᵀMδ / tr(MΣ), is off by a few percent.)
        """
        sd: F64 = np.sqrt(array_product(self._squares(delta), self._weights))
        return sd

    def coordinates(self, delta: Float[np.ndarray, "sets d"]) -> F64:
        """Return vectors whose dot products are the covariances of the sets' t, [S, d].

        cov(t_S, t_T) = Σ gᵢ b_Si b_Ti, so that they are bᵢ sqrt(gᵢ).
        """
        coordinates: F64 = self._seen_part(delta) * np.sqrt(self._weights)
        return coordinates

    def tails(self, delta: Float[np.ndarray, "sets d"], sd: F64) -> Tails:
        """Return the tail probabilities of every set's z = t / sd.

        Args:
            delta: [S, d] none of them zero.
            sd: [S] as `sd` returns it.
        """
        parts = [
            self._tails(delta[at : at + _SETS_AT_ONCE], sd[at : at + _SETS_AT_ONCE])
            for at in range(0, max(1, len(delta)), _SETS_AT_ONCE)
        ]
        return Tails(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _squares(self, delta: F64) -> F64:
        """bᵢ², [S, d]."""
        squares: F64 = self._seen_part(delta) ** 2
        return squares

    def _seen_part(self, delta: F64) -> F64:
        """bᵢ, [S, d]: 0 where no token sees the direction."""
        part: F64 = np.where(self._seen, array_product(delta, self._basis), 0.0)
        return part

    def _log_det(self, u: F64) -> F64:
        """A(u)."""
        value: F64 = 0.5 * np.log1p(np.multiply.outer(u, self._a)).sum(-1)
        return value

    def _log_det_slope(self, u: F64) -> F64:
        """A'(u)."""
        slope: F64 = 0.5 * (self._a / (1 + np.multiply.outer(u, self._a))).sum(-1)
        return slope

    def _inverse(self, value: F64) -> F64:
        """Return the u with A(u) = value, by Newton's steps in log u (A is convex in it)."""
        log_u = np.log(2 * value / self._a.sum())
        last = np.inf
        for _ in range(200):
            u = np.exp(log_u)
            step = (self._log_det(u) - value) / (u * self._log_det_slope(u))
            log_u -= step
            largest = np.abs(step).max()
            if largest < 1e-14 or (largest < 1e-9 and largest > last / 2):
                break  # steps that shrink no more are the rounding of A
            last = largest
        inverse: F64 = np.exp(log_u)
        return inverse

    @cached_property
    def _weights(self) -> F64:
        """gᵢ, by Gauss and Laguerre over x = A(u)."""
        x, weight = np.polynomial.laguerre.laggauss(40)
        u = self._inverse(x)
        share = weight / (2 * self._log_det_slope(u))
        weights: F64 = (share[:, None] / (1 + np.multiply.outer(u, self._a))).sum(0)
        return weights

    @cached_property
    def _nodes(self) -> tuple[F64, F64, F64, F64]:
        """What all sets share: A at the knots [K], h's factors there and its rises [d, …], weights.

        Along x = A(u) − A(u*) = y² the integrand is e^{−y²} times √A* / (A* + y²) times a smooth
        function; y = √A* sinh τ flattens the middle factor, and equal steps of τ converge fast.
        """
        # A at the knots [K], spread so that |z| is about w; no further than A can be inverted
        w = _SCALE * np.sinh(_STEP * np.arange(1, _N_KNOTS))
        largest = self._log_det(np.array([1e60 / self._a[-1]]))[0]
        knots = np.minimum(w**2 / 2, largest * np.linspace(0.5, 1, len(w)))
        # equal steps of τ at each knot, and the y and u they stand for [K, nodes]
        root = np.sqrt(knots)[:, None]
        width = np.arcsinh(_REACH / root) / _N_NODES
        tau = width * (np.arange(_N_NODES) + 0.5)
        y = root * np.sinh(tau)
        u0 = self._inverse(knots)[:, None]
        u = self._inverse((knots[:, None] + y**2).ravel()).reshape(y.shape)
        # du = dA / A'(u), dA = 2 y dy and dy = √A* cosh τ dτ
        weight = 2 * y * np.exp(-(y**2)) * root * np.cosh(tau) * width
        weight /= np.pi * u * self._log_det_slope(u)
        # h(u*), and h(u) − h(u*) with the difference taken before it is rounded: both linear in b²
        at_knots = u0 / (1 + u0 * self._a)
        rises = (u - u0)[..., None] / ((1 + u[..., None] * self._a) * (1 + u0[..., None] * self._a))
        return knots, at_knots.T, rises.reshape(-1, len(self._a)).T, weight

    def _tails(self, delta: F64, sd: F64) -> Tails:
        knots, at_knots, rises, weight = self._nodes
        squares = self._squares(delta)
        # c² = h(u*) and h(u) − c², for each set and knot: [S, K] and [S, K, nodes]
        h = array_product(squares, at_knots)
        rise = array_product(squares, rises).reshape(len(delta), *weight.shape)
        # 1 / sqrt(h/c² − 1); p is e^{−A*} times the integral
        ratio = np.sqrt(h[:, :, None] / np.maximum(rise, np.finfo(np.float64).tiny))
        integral = np.einsum("kj,skj->sk", weight, ratio)
        start = np.zeros((len(delta), 1))
        log_p = np.hstack([start, -knots + np.log(integral)]) / np.log(10)
        z = np.maximum.accumulate(np.hstack([start, np.sqrt(h)]) / sd[:, None], axis=1)
        # d log10 p / dz by way of the knots' numbers, over which both are smooth
        at = np.arange(z.shape[1])
        by_knot = CubicSpline(at, log_p, axis=1)(at, 1)
        z_by_knot = CubicSpline(at, z, axis=1)(at, 1)
        with np.errstate(divide="ignore"):
            slope = np.maximum(by_knot / np.maximum(z_by_knot, 0), -_STEEPEST)
        return Tails(z, log_p, slope)
