"""The null of the direction test, exactly: how far a random direction shifts a set.

For w ~ N(0, M), t = δ·w / sqrt(wᵀΣw) is a ratio of Gaussians. With any root R Rᵀ = M, A = Rᵀ Σ R =
Q diag(a) Qᵀ and b = Qᵀ Rᵀ δ, |t| > c says that a quadratic form in independent normals,
xᵀ(b bᵀ − c² diag(a))x, is positive. It has one positive eigenvalue, so that the inversion integral
of its characteristic function wraps around a single branch cut and becomes real and positive:

    P(|t| > c) = 1/π ∫ from u* of e^{−A(u)} / (u sqrt(h(u)/c² − 1)) du

with A(u) = ½ Σ log(1 + u aᵢ), h(u) = u Σ bᵢ²/(1 + u aᵢ), and u* where h(u*) = c². Nothing cancels,
so it holds to the last digits at any depth. A(u) is every set's, and h is linear in bᵢ²: over
common nodes u, the tables of all sets are one matrix product. Of what is looked up once, only the
part of its table around that z is made.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from torch import Tensor

from unembed.enrichment.gauss import gauss
from unembed.enrichment.integrals import AROUND, integrals_around
from unembed.enrichment.second_moment import SecondMoment
from unembed.enrichment.tails import Tails
from unembed.products import array_product, eigh
from unembed.symmetric import congruence, lower_product

F64 = npt.NDArray[np.float64]

_N_KNOTS = 112
_SCALE, _STEP = 8.0, 0.025
"""Knots at w = 8 sinh(0.025 k): 0.2 apart in the middle, 70 at the end. w is what a normal
deviate's |z| would be, so that tables reach a log10 p of about −1,000."""
_REACH, _FINE = 6.2, 400
"""Rules are made of this many steps, which reach to where e^{−y²} is below 1e-16."""
_SETS_AT_ONCE = 2048
_UNSEEN = 1e-12
_STEEPEST = 1e30
_AROUND_SLOPES: F64 = CubicSpline(np.arange(AROUND), np.eye(AROUND))(np.arange(AROUND), 1)
"""[12, 12] derivatives at each of these knots, by the values at each of them."""


class DirectionNull:
    """The distribution of t over random directions w ~ N(0, M).

    Args:
        covariance: Σ = W_Uᵀ W_U / n, [d, d] float64.
        moment: M, of what directions are like.
    """

    def __init__(self, covariance: Float[Tensor, "d d"], moment: SecondMoment) -> None:
        root = moment.root
        values, vectors = eigh(congruence(root, covariance))
        a: F64 = values.numpy()
        seen = a > _UNSEEN * a[-1]
        self._a: F64 = np.where(seen, a, 0.0)
        # b is 0 where no token sees the direction
        self._basis: F64 = np.where(seen, lower_product(root, vectors).numpy(), 0.0)
        self._dimensions = max(1, int(np.count_nonzero(seen)))

    def seen_part(self, delta: Float[np.ndarray, "sets d"]) -> F64:
        """Return b, [S, d]: all that t depends on, and linear in δ.

        It is 0 where no token sees a direction.
        """
        part: F64 = array_product(delta, self._basis)
        return part

    def sd(self, b: Float[np.ndarray, "sets d"]) -> F64:
        """Return the standard deviation of each set's t, exactly.

        E[t²] = Σ gᵢ bᵢ² with gᵢ = ½ ∫ from 0 of e^{−A(u)} / (1 + u aᵢ) du, common to all sets. (The
        ratio of the expectations, δᵀMδ / tr(MΣ), is off by a few percent.)

        Args:
            b: as `seen_part` returns it.
        """
        variances = [array_product(b[part] ** 2, self._weights) for part in _parts(len(b))]
        sd: F64 = np.sqrt(np.concatenate(variances))
        return sd

    def coordinates(self, b: Float[np.ndarray, "sets d"]) -> F64:
        """Return vectors whose dot products are the covariances of the sets' t, [S, d].

        cov(t_S, t_T) = Σ gᵢ b_Si b_Ti, so that they are bᵢ sqrt(gᵢ).

        Args:
            b: as `seen_part` returns it.
        """
        coordinates: F64 = b * np.sqrt(self._weights)
        return coordinates

    def tails(self, b: Float[np.ndarray, "sets d"], sd: F64) -> Tails:
        """Return the tail probabilities of every set's z = t / sd.

        Args:
            b: as `seen_part` returns it, none of them zero.
            sd: [S] as `sd` returns it.
        """
        parts = [self._tails(b[part], sd[part]) for part in _parts(len(b))]
        return Tails(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def tails_around(self, b: Float[np.ndarray, "effects d"], z: F64) -> Tails:
        """Return the part of each effect's table that its own z is read from, [P, 12].

        It says of that z what the whole table does, and costs a tenth.

        Args:
            b: [P, d] of effects (`seen_part`), none of them zero.
            z: [P] their t, in standard deviations over random directions.
        """
        nodes = self._nodes
        variance = (self.coordinates(b) ** 2).sum(1)
        columns, h, integral = integrals_around(
            b**2 / variance[:, None], z**2, nodes.rows, nodes.starts, nodes.weight
        )
        log_p = (np.log(integral) - np.append(0.0, nodes.knots)[columns]) / np.log(10)
        knots = np.maximum.accumulate(np.sqrt(h), axis=1)
        by_knot, z_by_knot = (
            (values[:, None] * _AROUND_SLOPES).sum(2) for values in (log_p, knots)
        )
        return Tails(knots, log_p, _slope(by_knot, z_by_knot))

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
    def _nodes(self) -> _Nodes:
        """What all sets share.

        Along x = A(u) − A(u*) = y² the integrand is e^{−y²} times √A* / (A* + y²) times a smooth
        function; y = √A* sinh τ flattens the middle factor. What is left is smooth in τ², and
        Gauss's rule for the weight e^{−A* sinh² τ} needs the fewer nodes the deeper the knot is.
        """
        # A at the knots [K], spread so that |z| is about w; no further than A can be inverted
        w = _SCALE * np.sinh(_STEP * np.arange(1, _N_KNOTS))
        largest = self._log_det(np.array([1e60 / self._a[-1]]))[0]
        knots = np.minimum(w**2 / 2, largest * np.linspace(0.5, 1, len(w)))
        # nodes of all knots side by side [N], and the y and u that they stand for
        rules = [_rule(root, self._dimensions) for root in np.sqrt(knots)]
        counts = np.array([len(tau) for tau, _ in rules])
        tau, weight = (np.concatenate(column) for column in zip(*rules, strict=True))
        start = np.repeat(knots, counts)
        y = np.sqrt(start) * np.sinh(tau)
        u0, u = self._inverse(knots), self._inverse(start + y**2)
        # du = dA / A'(u), dA = 2 y dy and dy = √A* cosh τ dτ
        weight *= 2 * y * np.sqrt(start) * np.cosh(tau) / (np.pi * u * self._log_det_slope(u))
        # h(u*), and h(u) − h(u*) with the difference taken before it is rounded: both linear in b²
        at_knots = u0[:, None] / (1 + np.multiply.outer(u0, self._a))
        from_knot = np.repeat(u0, counts)
        rises = (u - from_knot)[:, None] / (1 + np.multiply.outer(u, self._a))
        rises /= 1 + np.multiply.outer(from_knot, self._a)
        # a spline's slopes at its knots are linear in its values there
        at = np.arange(_N_KNOTS)
        slopes = CubicSpline(at, np.eye(_N_KNOTS), axis=1)(at, 1)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return _Nodes(knots, starts, np.concatenate([at_knots, rises]), weight, slopes)

    def _tails(self, b: F64, sd: F64) -> Tails:
        knots, starts, rows, weight, slopes = self._nodes
        # c² = h(u*) [S, K] and h(u) − c² [S, N]
        h, rise = np.split(array_product(b**2, rows.T), [len(knots)], axis=1)
        # 1 / sqrt(h/c² − 1); p is e^{−A*} times the integral
        ratio = np.repeat(h, np.diff(starts), axis=1)
        ratio /= np.maximum(rise, np.finfo(np.float64).tiny)
        integral = np.add.reduceat(weight * np.sqrt(ratio), starts[:-1], axis=1)
        start = np.zeros((len(b), 1))
        log_p = np.hstack([start, -knots + np.log(integral)]) / np.log(10)
        z = np.maximum.accumulate(np.hstack([start, np.sqrt(h)]) / sd[:, None], axis=1)
        # d log10 p / dz by way of the knots' numbers, over which both are smooth
        by_knot, z_by_knot = (array_product(each, slopes) for each in (log_p, z))
        return Tails(z, log_p, _slope(by_knot, z_by_knot))


class _Nodes(NamedTuple):
    """Where the integrals of all sets are taken.

    Attributes:
        knots: [K] A at the knots.
        starts: [K + 1] where the nodes of each begin, N in all.
        rows: [K + N, d] the products of b² with these are h at the knots, and its rises from there
            to their nodes.
        weight: [N] of the nodes.
        slopes: [K + 1, K + 1] what a table's values at the knots and at 0 are multiplied with, for
            their derivatives by the knots' numbers.
    """

    knots: F64
    starts: npt.NDArray[np.int64]
    rows: F64
    weight: F64
    slopes: F64


def _parts(count: int) -> list[slice]:
    """Return so many sets at once."""
    return [slice(at, at + _SETS_AT_ONCE) for at in range(0, max(1, count), _SETS_AT_ONCE)]


def _rule(root: float, dimensions: int) -> tuple[F64, F64]:
    """Return nodes τ and weights for integrals of e^{−A* sinh² τ} f(τ²) from 0, with √A* given.

    As many as hold p to 1e-10: more for shallow knots, and where few dimensions make f less smooth.
    (Beyond a gap of five decades in the a, p holds to 1e-4.)
    """
    step = np.arcsinh(_REACH / root) / _FINE
    tau = step * (np.arange(_FINE) + 0.5)
    count = math.ceil(2 + 17 / (1 + root) + 20 / dimensions)
    squares, weight = gauss(tau**2, step * np.exp(-((root * np.sinh(tau)) ** 2)), count)
    return np.sqrt(squares), weight


def _slope(by_knot: F64, z_by_knot: F64) -> F64:
    """Return d log10 p / dz, from the derivatives of both by the knots' numbers."""
    with np.errstate(divide="ignore"):
        slope: F64 = np.maximum(by_knot / np.maximum(z_by_knot, 0), -_STEEPEST)
    return slope
