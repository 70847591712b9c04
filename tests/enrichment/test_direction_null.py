"""The null of the direction test against simulation, and against inversion by other contours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.integrate import trapezoid
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.stats import beta

from unembed.enrichment import direction_null
from unembed.enrichment.direction_null import DirectionNull
from unembed.enrichment.lookup import log10_p_of_pairs, log10_p_values
from unembed.enrichment.second_moment import SecondMoment
from unembed.enrichment.tails import Tails

D = 40
F64 = NDArray[np.float64]


def spread(power: float, seed: int) -> torch.Tensor:
    """A covariance whose eigenvalues fall as a power of their rank."""
    random = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(D, D, generator=random, dtype=torch.float64))
    return basis @ torch.diag(torch.arange(1, D + 1).double() ** -power) @ basis.T


SIGMA, M = spread(1.0, 1), spread(0.5, 2)
MOMENT = SecondMoment(M / M.trace(), "test", 0.0, 1000)


def deltas() -> F64:
    """A typical δ, one that few dimensions see, and one along the widest of Σ."""
    random = np.random.default_rng(3)
    sigma = SIGMA.numpy()
    _, vectors = np.linalg.eigh(sigma)
    return np.stack([sigma @ random.standard_normal(D), vectors[:, 0] * 0.1, vectors[:, -1]])


@pytest.fixture(scope="module")
def null() -> DirectionNull:
    return DirectionNull(SIGMA, MOMENT)


@pytest.fixture(scope="module")
def draws() -> F64:
    """[3, 1,000,000] t of random directions."""
    parts = []
    for seed in range(10):
        w = MOMENT.draw(100_000, seed).double().numpy()
        scale = np.sqrt(((w @ SIGMA.numpy()) * w).sum(1))
        parts.append(w @ deltas().T / scale[:, None])
    return np.concatenate(parts).T


def log10_p(null: DirectionNull, t: F64) -> F64:
    """[3, n] from the tables, as features are looked up."""
    b = null.seen_part(deltas())
    sd = null.sd(b)
    z = (t / sd[:, None]).astype(np.float32).T.copy()
    out = np.empty_like(z)
    log10_p_values(z, np.arange(3), *null.tails(b, sd).single(), out)
    return out.T.astype(np.float64)


def test_sd_is_exact(null: DirectionNull, draws: F64) -> None:
    np.testing.assert_allclose(null.sd(null.seen_part(deltas())), draws.std(1), rtol=4e-3)


@pytest.mark.parametrize("p", [0.9, 0.5, 0.1, 1e-2, 1e-3, 2e-4])
def test_p_against_simulation(null: DirectionNull, draws: F64, p: float) -> None:
    at = np.quantile(np.abs(draws), 1 - p, axis=1)[:, None]
    found = 10 ** log10_p(null, at)[:, 0]
    error = 4 * np.sqrt((1 - p) / (p * draws.shape[1]))
    np.testing.assert_allclose(found, p, rtol=error)


def test_p_values_of_random_directions_are_uniform(null: DirectionNull, draws: F64) -> None:
    p = np.sort(10 ** log10_p(null, draws), axis=1)
    expected = (np.arange(p.shape[1]) + 0.5) / p.shape[1]
    assert np.abs(p - expected).max() < 1.63 / np.sqrt(p.shape[1])  # KS at 1 %


class Form:
    """The quadratic form of one δ and c, from its definition."""

    def __init__(self, delta: F64, c: float) -> None:
        values, vectors = torch.linalg.eigh(MOMENT.matrix)
        root = ((vectors * values.sqrt()) @ vectors.T).numpy()
        inner = np.outer(delta, delta) - c**2 * SIGMA.numpy()
        self.eigenvalues = np.linalg.eigvalsh(root @ inner @ root)

    def log_mgf(self, s: complex) -> complex:
        return complex(-0.5 * np.log(1 - 2 * s * self.eigenvalues).sum())

    def imhof(self) -> float:
        """P(form > 0) by Imhof (1961), eq. 3.2."""

        x = np.linspace(-45, 45, 40_001)  # log u
        angles = np.multiply.outer(np.exp(x), self.eigenvalues)
        theta = 0.5 * np.arctan(angles).sum(1)
        log_rho = 0.25 * np.log1p(angles**2).sum(1)
        return 0.5 + float(trapezoid(np.sin(theta) * np.exp(-log_rho), x)) / np.pi

    def along_the_saddlepoint(self) -> float:
        """log P by the inversion integral over the vertical line through the saddlepoint."""
        largest = 1 / (2 * self.eigenvalues.max())

        def slope(s: float) -> float:
            return float((self.eigenvalues / (1 - 2 * s * self.eigenvalues)).sum() - 1 / s)

        s = brentq(slope, largest * 1e-12, largest * (1 - 1e-15))
        start = self.log_mgf(s).real
        y = np.linspace(-1, 1, 400_001) * 60 * largest
        lines = np.array([self.eigenvalues]) * 2
        values = -0.5 * sum(np.log(1 - line * (s + 1j * y)) for line in lines[0])
        integrand = np.exp(values - start) / (s + 1j * y)
        return float(start + np.log(trapezoid(integrand.real, y) / (2 * np.pi)))


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("knot", [1, 3, 8, 15, 20, 25])
def test_tables_against_imhof(null: DirectionNull, which: int, knot: int) -> None:
    b = null.seen_part(deltas())
    sd = null.sd(b)
    tails = null.tails(b, sd)
    expected = Form(deltas()[which], tails.z[which, knot] * sd[which]).imhof()
    found = 10 ** tails.log10_p[which, knot]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("z", [0.05, 0.5, 1, 2, 3, 5])
def test_p_between_the_knots(null: DirectionNull, which: int, z: float) -> None:
    t = z * null.sd(null.seen_part(deltas()))
    form = Form(deltas()[which], t[which])
    if form.eigenvalues.max() > 1e-9:
        found = log10_p(null, t[:, None])[which, 0]
        assert found == pytest.approx(np.log10(form.imhof()), abs=2e-4)


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8, 0.95])
def test_p_deep_in_the_tail(null: DirectionNull, which: int, share: float) -> None:
    """Towards the largest t that any direction can have, δᵀΣ⁻¹δ."""
    delta = deltas()[which]
    t = share * np.sqrt(delta @ np.linalg.solve(SIGMA.numpy(), delta))
    expected = Form(delta, t).along_the_saddlepoint() / np.log(10)
    found = log10_p(null, np.full((3, 1), t))[which, 0]
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_p_far_below_what_a_float_holds() -> None:
    """In 600 dimensions, of a δ that stands alone."""
    d = 600
    null = DirectionNull(torch.eye(d, dtype=torch.float64), SecondMoment.identity(d))
    b = null.seen_part(np.eye(d)[:1])
    sd = null.sd(b)
    assert sd[0] == pytest.approx(d**-0.5)
    z = np.float32(np.sqrt(0.9 * d))
    out = np.empty((1, 1), np.float32)
    log10_p_values(np.array([[z]]), np.zeros(1, np.int64), *null.tails(b, sd).single(), out)
    # t² is beta distributed
    assert out[0, 0] == pytest.approx(beta.logsf(0.9, 0.5, (d - 1) / 2) / np.log(10), rel=1e-5)
    assert out[0, 0] < -290


@pytest.mark.parametrize("d", [2, 3, 5, 12, 40, 600])
def test_tables_of_a_sphere_are_exact(d: int) -> None:
    """At every knot, however many nodes it has: t² of a direction of a sphere is beta distributed.

    But for where c² is all but 1, and its own rounding moves p, or p is less than a float holds.
    """
    null = DirectionNull(torch.eye(d, dtype=torch.float64), SecondMoment.identity(d))
    b = null.seen_part(np.eye(d)[:1])
    sd = null.sd(b)
    z, log10_p, _ = (column[0, 1:] for column in null.tails(b, sd))
    c = z * sd[0]
    well = (1 - c**2 > 1e-4) & (log10_p > -300)
    assert well.sum() > min(d, 60)
    expected = beta.logsf(c[well] ** 2, 0.5, (d - 1) / 2) / np.log(10)
    np.testing.assert_allclose(log10_p[well], expected, rtol=1e-11, atol=2e-10)


def test_slopes_are_those_of_splines_over_the_knots(null: DirectionNull) -> None:
    b = null.seen_part(deltas())
    tails = null.tails(b, null.sd(b))
    at = np.arange(tails.z.shape[1])
    p, z = (CubicSpline(at, each, axis=1)(at, 1) for each in (tails.log10_p, tails.z))
    rising = z > 1e-6
    np.testing.assert_allclose(tails.slope[rising], (p / z)[rising], rtol=1e-8)


def test_tables_are_the_same_in_parts(null: DirectionNull, monkeypatch: pytest.MonkeyPatch) -> None:
    many = null.seen_part(np.random.default_rng(1).standard_normal((300, D)))
    sd = null.sd(many)
    whole = null.tails(many, sd)
    monkeypatch.setattr(direction_null, "_SETS_AT_ONCE", 128)
    for one, other in zip(whole, null.tails(many, sd), strict=True):
        np.testing.assert_array_equal(one, other)


def test_tables_rise_and_end(null: DirectionNull) -> None:
    b = null.seen_part(deltas())
    tails = null.tails(b, null.sd(b))
    assert (np.diff(tails.z) >= 0).all()
    assert (np.diff(tails.log10_p) < 0).all()
    assert not tails.z[:, 0].any()
    assert not tails.log10_p[:, 0].any()
    assert np.isfinite(tails.slope).all()


def looked_up(tails: Tails, z: F64) -> NDArray[np.float32]:
    """Log10 p of one z in each table."""
    out = np.empty(len(z), np.float32)
    log10_p_of_pairs(z.astype(np.float32), np.arange(len(z)), *tails.single(), out)
    return out


def test_what_is_looked_up_once_is_what_the_whole_table_says() -> None:
    d, pairs = 300, 400
    random = np.random.default_rng(6)
    sigma = torch.diag(torch.arange(1, d + 1).double() ** -1)
    null = DirectionNull(sigma, SecondMoment.identity(d))
    delta = random.standard_normal((pairs, d)) * 10 ** random.uniform(-3, 3, (pairs, 1))
    z = random.choice([-1, 1], pairs) * 10 ** random.uniform(-2, 1.2, pairs)
    z[:3] = 0, 1e6, -1e6
    b = null.seen_part(delta)
    whole = looked_up(null.tails(b, null.sd(b)), z)
    assert whole[0] == 0
    assert whole[3:].min() < -30
    found = looked_up(null.tails_around(b, z), z)
    np.testing.assert_allclose(found, whole, rtol=3e-7, atol=3e-7)


def test_what_is_looked_up_once_is_so_at_the_end_of_what_a_direction_can_do(
    null: DirectionNull,
) -> None:
    delta = deltas()
    most = np.sqrt((delta * np.linalg.solve(SIGMA.numpy(), delta.T).T).sum(1))
    b = null.seen_part(delta)
    z = 0.95 * most / null.sd(b)
    found = looked_up(null.tails_around(b, z), z)
    whole = looked_up(null.tails(b, null.sd(b)), z)
    np.testing.assert_allclose(found, whole, rtol=1e-5)


def test_what_is_looked_up_once_does_not_depend_on_what_else_is(null: DirectionNull) -> None:
    b, z = null.seen_part(deltas()), np.array([0.3, 4.0, 2.0])
    together = null.tails_around(b, z)
    for at in range(3):
        alone = null.tails_around(b[at : at + 1], z[at : at + 1])
        for expected, found in zip(together, alone, strict=True):
            np.testing.assert_array_equal(found[0], expected[at])


def test_two_dimensions() -> None:
    """t² of a random direction of the plane is c² cos²: an arc sine law."""
    null = DirectionNull(torch.eye(2, dtype=torch.float64), SecondMoment.identity(2))
    b = null.seen_part(np.array([[2.0, 0.0]]))
    sd = null.sd(b)
    assert sd[0] == pytest.approx(np.sqrt(2))
    angles = np.array([1.5, 1.0, 0.5, 0.1])
    z = (2 * np.cos(angles) / sd).astype(np.float32)[:, None]
    out = np.empty_like(z)
    log10_p_values(z, np.zeros(1, np.int64), *null.tails(b, sd).single(), out)
    np.testing.assert_allclose(10 ** out[:, 0], angles * 2 / np.pi, rtol=5e-4)
