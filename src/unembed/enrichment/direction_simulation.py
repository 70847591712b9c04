"""Random directions through the sweep: the null of ES, which has no closed form.

N directions w ~ N(0, M) are swept by the same code as features. −w is as likely as w, and turns its
ranking round, and with it ES: so half of the directions are read for ES, and count with both signs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.simulated_null import SimulatedNull, no_scores
from unembed.progress import Report
from unembed.sweep import Membership, Weight, joined, tail_kurtosis

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_SHARES = np.linspace(1, 0.1, 19)
"""Shares of the null beyond each knot in the body of the distribution; the last begins the tail."""
_TAIL = 0.1
_FEWEST = 50
"""Fewer values of a sign than this have no tail of their own, and tails that end, as ES does at 1
for small sets, are not trusted to the end: p is then at least 1 / (values + 1)."""
_END = 1e-12
_N_BEYOND = 8
_ONE_PERCENT = -2.0


def simulate(
    test: DirectionTest,
    membership: Membership | None,
    directions: int,
    seed: int,
    weight: Weight,
    report: Report = lambda done, total: None,
    sets: I64 | None = None,
) -> SimulatedNull:
    """Return what random directions do, swept by the same code as features.

    Args:
        test: whose null the directions are drawn from.
        membership: its token sets, over the rows of W_U; None to leave out ES.
        directions: how many, at least 100 to say anything.
        seed: decides the directions.
        weight: what a hit adds to ES.
        report: told how many directions are done.
        sets: numbers of those whose ES is wanted; all, if None.
    """
    chosen = np.arange(len(test.effects)) if sets is None else sets
    members = membership.of_sets(chosen) if membership is not None else None
    parts, es, z, done = [], [], [], 0
    for tile in test.sweep.tiles(test.moment.draw(directions, seed)):
        parts.append(test.sweep.statistics(tile))
        z.append(test.z(tile.features.scaled))
        first = tile.first(max(-(-directions // 2) - done, 0))
        if members is not None and len(first.mean):
            es.append(test.sweep.tsea(first, members, weight).es.astype(np.float32))
        done += len(tile.mean)
        report(done, directions)
    statistics, scores = joined(parts), np.concatenate(z)
    nulls = _of_all(chosen, len(test.effects), *_tails(np.concatenate(es))) if es else no_scores()
    return SimulatedNull(
        statistics.std,
        statistics.skewness,
        statistics.kurtosis,
        *tail_kurtosis(statistics.histogram),
        np.sqrt((scores.astype(np.float64) ** 2).mean(0)),
        (np.abs(scores) > test.critical(_ONE_PERCENT)).mean(0),
        *nulls,
    )


def _of_all(chosen: I64, count: int, *of_sets: npt.NDArray[np.floating]) -> Iterator[F64]:
    """Yield what is known of the sets that were read, for both signs, and NaN of the others."""
    for values in of_sets:
        every = np.full((2, count, *values.shape[1:]), np.nan, values.dtype)
        every[:, chosen] = values
        yield every


def _tails(es: Float[np.ndarray, "directions sets"]) -> tuple[F64, F32, F32]:
    """Return mean, knots and log10 p of |ES|."""
    mean, knots, log10_p = _tail(np.sort(np.where(es != 0, np.abs(es), np.nan), 0))
    return mean, knots.astype(np.float32), log10_p.astype(np.float32)


def _tail(values: Float[np.ndarray, "directions sets"]) -> tuple[F64, F64, F64]:
    """Return mean, knots and log10 p of one sign's |ES|, sorted, with NaN last."""
    count = np.isfinite(values).sum(0)
    some = np.maximum(count, 1)
    mean = np.where(count > 0, np.nansum(values, 0) / some, np.nan)

    def at(share: float) -> F64:
        """The value that this share of directions reaches."""
        place = np.clip(np.ceil(some * (1 - share)), 0, some - 1).astype(np.int64)
        reached = np.take_along_axis(values, place[None], 0)[0].astype(np.float64)
        value: F64 = np.nan_to_num(reached)
        return value

    # the body: the values that fixed shares of the directions reach, [K, S]
    body = np.stack([np.zeros(len(count)), *(at(share) for share in _SHARES[1:])])
    # the tail: a generalised Pareto distribution of what is beyond its start, fitted by moments
    # (Hosking & Wallis 1987): shape = ½ (1 − mean²/variance), scale = mean (1 − shape)
    start = at(_TAIL)
    beyond = np.where(values >= start, values - start, np.nan)
    exceed = np.maximum(np.isfinite(beyond).sum(0), 1)
    excess = np.nansum(beyond, 0) / exceed
    variance = np.nansum((beyond - excess) ** 2, 0) / exceed
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(variance > 0, excess**2 / variance, 1.0)
    shape = np.clip(0.5 * (1 - ratio), -1, 0.45)
    scale = np.maximum(excess * (1 - shape), 1e-9)
    # knots up to where the tail ends, or to 1, which |ES| cannot pass; closer at the start
    ends = shape < -1e-6
    reach = np.where(ends, np.minimum(1 - start, scale / np.where(ends, -shape, 1)), 1 - start)
    steps = start + reach * np.linspace(0, 1, _N_BEYOND + 1)[1:, None] ** 2
    log_tail = -_log1p_over(shape, (steps - start) / scale)
    log10_p = np.concatenate(
        [
            np.repeat(np.log10(_SHARES)[:, None], len(count), 1),
            np.log10(_TAIL) + log_tail / np.log(10),
        ]
    )
    # no smaller p than the directions can show, where the tail ends or they are few
    floor = -np.log10(count + 1.0)
    log10_p = np.where(ends | (count < _FEWEST), np.maximum(log10_p, floor), log10_p)
    return mean, np.concatenate([body, steps]).T, log10_p.T


def _log1p_over(shape: F64, x: F64) -> F64:
    """log(1 + shape·x) / shape, x itself where shape is all but 0; large where the tail ended."""
    safe = np.where(np.abs(shape) > 1e-6, shape, 1.0)
    left = np.maximum(safe * x, _END - 1)
    value: F64 = np.where(np.abs(shape) > 1e-6, np.log1p(left) / safe, x)
    return value
