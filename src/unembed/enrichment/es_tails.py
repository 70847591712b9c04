"""What random directions do to ES, as tables of its p-values: measured, and a fitted tail.

A direction and its opposite have opposite ES, so that both signs have one table. The p-value of
|ES| is the share of directions that reach it, and beyond the outermost tenth that of a generalised
Pareto distribution, fitted by moments (Hosking & Wallis 1987): shape = ½ (1 − mean²/variance),
scale = mean (1 − shape).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.compiled import compiled

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_SHARES = np.linspace(1, 0.1, 19)
"""Shares of the null beyond each knot in the body of the distribution; the last begins the tail."""
_FEWEST = 50
"""Fewer values than this have no tail of their own, and tails that end, as ES does at 1
for small sets, are not trusted to the end: p is then at least 1 / (values + 1)."""
_END = 1e-12
_N_BEYOND = 8
_SETS_AT_ONCE = 512
"""So that what is in between stays in cache."""


def es_tails(es: Float[np.ndarray, "directions sets"]) -> tuple[F64, F32, F32]:
    """Return mean |ES| [S], and knots and log10 p [S, K]; of ES 0 nothing is told."""
    parts = []
    for at in range(0, max(1, es.shape[1]), _SETS_AT_ONCE):
        parts.append(_tail(np.sort(np.abs(es[:, at : at + _SETS_AT_ONCE].T), 1)))
    means, knots, log10_p = (np.concatenate(column) for column in zip(*parts, strict=True))
    return means, knots.astype(np.float32), log10_p.astype(np.float32)


def _tail(rising: Float[np.ndarray, "sets directions"]) -> tuple[F64, F64, F64]:
    """Return mean [S], knots and log10 p [S, K]. Each set's |ES| are in rising order."""
    count = (rising > 0).sum(1)
    some = np.maximum(count, 1)[:, None]
    # the body: the values that fixed shares of the directions reach, and 0 for all of them
    place = np.clip(np.ceil(some * (1 - _SHARES)), 0, some - 1).astype(np.int64)
    body = np.take_along_axis(rising, place - some, 1).astype(np.float64)
    body[count == 0] = 0
    least, start = body[:, 0].copy(), body[:, -1]
    body[:, 0] = 0
    mean = np.where(count > 0, least + _beyond(rising, least)[0], np.nan)
    # the tail, of what is beyond its start
    excess, variance = _beyond(rising, start)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(variance > 0, excess**2 / variance, 1.0)
    shape = np.clip(0.5 * (1 - ratio), -1, 0.45)
    scale = np.maximum(excess * (1 - shape), 1e-9)
    # knots up to where the tail ends, or to 1, which |ES| cannot pass; closer at the start
    ends = shape < -1e-6
    reach = np.where(ends, np.minimum(1 - start, scale / np.where(ends, -shape, 1)), 1 - start)
    beyond = reach[:, None] * np.linspace(0, 1, _N_BEYOND + 1)[1:] ** 2
    log_tail = -_log1p_over(shape[:, None], beyond / scale[:, None])
    log10_p = np.hstack(
        [
            np.repeat(np.log10(_SHARES)[None], len(count), 0),
            np.log10(_SHARES[-1]) + log_tail / np.log(10),
        ]
    )
    # no smaller p than the directions can show, where the tail ends or they are few
    floor = np.where(ends | (count < _FEWEST), -np.log10(count + 1.0), -np.inf)
    return mean, np.hstack([body, start[:, None] + beyond]), np.maximum(log10_p, floor[:, None])


@compiled()
def _beyond(rising: F32, start: F64) -> tuple[F64, F64]:
    """Return mean and variance [S] of how far beyond a start those values are that reach it.

    Args:
        rising: [S, N] each row in rising order.
        start: [S] of each row.
    """
    mean, variance = np.zeros(len(rising)), np.zeros(len(rising))
    for s in range(len(rising)):
        row, first = rising[s], rising.shape[1]
        while first > 0 and row[first - 1] >= start[s]:
            first -= 1
            mean[s] += row[first] - start[s]
        reach = max(len(row) - first, 1)
        mean[s] /= reach
        for at in range(first, len(row)):
            variance[s] += (row[at] - start[s] - mean[s]) ** 2
        variance[s] /= reach
    return mean, variance


def _log1p_over(shape: F64, x: F64) -> F64:
    """log(1 + shape·x) / shape, x itself where shape is all but 0; large where the tail ended."""
    safe = np.where(np.abs(shape) > 1e-6, shape, 1.0)
    left = np.maximum(safe * x, _END - 1)
    value: F64 = np.where(np.abs(shape) > 1e-6, np.log1p(left) / safe, x)
    return value
