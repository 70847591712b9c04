"""Tables of simulated ES: against their definition, written plainly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import genpareto

from unembed.enrichment import es_tails


def awkward() -> np.ndarray:
    """[directions, sets] ES that end or run on, of few values or of none."""
    random = np.random.default_rng(4)
    normal = random.standard_normal((400, 3)) / 8
    uniform = random.uniform(-1, 1, (400, 2))
    coarse = np.round(uniform * 6) / 6
    far = np.minimum(0.02 * random.pareto(3, (400, 2)), 1) * [1, -1]
    alike, none = np.full((400, 1), -0.5), np.zeros((400, 1))
    few = np.where(np.arange(400) < 5, 1, -1)[:, None] * np.abs(normal[:, :1])
    columns = [normal, uniform, coarse, far, alike, none, few]
    return np.concatenate(columns, 1).astype(np.float32)


def plainly(values: list[float]) -> tuple[float, list[float], list[float]]:
    """Mean, knots and log10 p of |ES|."""
    values = sorted(values)
    n = len(values)
    shares = np.linspace(1, 0.1, 19)
    if not n:
        return np.nan, [0.0] * 19, [0.0] * 19
    body = [values[min(math.ceil(n * (1 - share)), n - 1)] for share in shares]
    start = body[-1]
    beyond = [value - start for value in values if value >= start]
    mean, variance = np.mean(beyond), np.var(beyond)
    shape = max(-1.0, min(0.45, (1 - mean**2 / variance) / 2)) if variance else 0.0
    scale = max(mean * (1 - shape), 1e-9)
    reach = min(1 - start, -scale / shape) if shape < -1e-6 else 1 - start
    steps = [reach * (k / 8) ** 2 for k in range(1, 9)]
    tail = [
        math.log10(0.1) + genpareto.logsf(step, shape, scale=scale) / math.log(10) for step in steps
    ]
    log10_p = [math.log10(share) for share in shares] + tail
    if shape < -1e-6 or n < 50:
        log10_p = [max(each, -math.log10(n + 1)) for each in log10_p]
    return float(np.mean(values)), [0.0, *body[1:], *(start + step for step in steps)], log10_p


@pytest.mark.parametrize("at_once", [4, 100])
def test_tails_by_their_definition(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(es_tails, "_SETS_AT_ONCE", at_once)
    es = awkward()
    means, knots, log10_p = es_tails.es_tails(es)
    for s, column in enumerate(np.abs(es.T.astype(np.float64))):
        mean, at, p = plainly([value for value in column if value > 0])
        assert means[s] == pytest.approx(mean, rel=1e-12, nan_ok=True)
        np.testing.assert_allclose(knots[s, : len(at)], at, rtol=1e-6)
        np.testing.assert_allclose(log10_p[s, : len(p)], p, rtol=1e-5, atol=1e-6)
