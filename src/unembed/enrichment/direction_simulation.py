"""Random directions through the sweep: the null of ES, which has no closed form.

N directions like w ~ N(0, M) are swept by the same code as features. −w is as likely as w, and
turns its ranking round, and with it ES: so half of the directions are read for ES, and count with
both signs. Sums and differences of them are random directions too, whose shapes cost little
(`sweep.mixtures`): the envelope, which is cut where one direction in two hundred lies beyond, rests
on some 7 N of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from unembed.enrichment.cohesion import WordCohesion
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.es_tails import es_tails
from unembed.enrichment.lookup import add_up
from unembed.enrichment.simulated_null import SimulatedNull, no_scores
from unembed.progress import Report
from unembed.sweep import FeatureStatistics, Membership, Weight
from unembed.sweep.mixtures import mixture_moments
from unembed.sweep.statistics import Moments

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

_ONE_PERCENT = -2.0


def simulate(
    test: DirectionTest,
    membership: Membership | None,
    directions: int,
    seed: int,
    weight: Weight,
    report: Report = lambda done, total: None,
    sets: I64 | None = None,
    cohesion: WordCohesion | None = None,
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
        cohesion: of words; None to leave out whether those of random directions belong together.
    """
    chosen = np.arange(len(test.effects)) if sets is None else sets
    members = membership.of_sets(chosen) if membership is not None else None
    critical = test.critical(_ONE_PERCENT)
    squares, beyond = np.zeros(len(critical)), np.zeros(len(critical), np.int64)
    drawn, mixed, es, ends, done = [], [], [], [], 0
    for tile in test.sweep.tiles(test.moment.draw_evenly(directions, seed)):
        statistics = test.sweep.statistics(tile)
        drawn.append(_shape(statistics))
        ends.append(np.stack([statistics.top_ids, statistics.bottom_ids], 1))
        std, moments = mixture_moments(tile.z, tile.features.std)
        mixed.append(_shape(moments._replace(std=std)))
        add_up(test.z(tile.features.scaled), critical, squares, beyond)
        first = tile.first(max(-(-directions // 2) - done, 0))
        if members is not None and len(first.mean):
            es.append(test.sweep.tsea(first, members, weight).es.astype(np.float32))
        done += len(tile.mean)
        report(done, directions)
    std, skewness, kurtosis, left_tail, right_tail = np.concatenate(drawn + mixed, axis=1)
    nulls = _of_all(chosen, len(test.effects), *es_tails(np.concatenate(es))) if es else no_scores()
    null = SimulatedNull(
        std,
        skewness,
        kurtosis,
        left_tail,
        right_tail,
        np.sqrt(squares / directions),
        beyond / directions,
        *nulls,
    )
    return replace(null, cohesion=_cohesion(cohesion, np.concatenate(ends)))


def _shape(of: FeatureStatistics | Moments) -> F64:
    """Return [5, ·] std, skewness, kurtosis and the kurtosis of both tails."""
    return np.stack([of.std, of.skewness, of.kurtosis, of.left_tail, of.right_tail])


def _cohesion(cohesion: WordCohesion | None, ends: I32) -> F64:
    """Return [N, 2] the cohesion of the top and the bottom words of each direction.

    Args:
        cohesion: of words; none is measured if None.
        ends: [N, 2, k] token ids.
    """
    if cohesion is None:
        return np.empty((0, 2))
    return cohesion.of(ends.reshape(-1, ends.shape[2])).values.reshape(-1, 2)


def _of_all(chosen: I64, count: int, *of_sets: npt.NDArray[np.floating]) -> Iterator[F64]:
    """Yield what is known of the sets that were read, for both signs, and NaN of the others."""
    for values in of_sets:
        every = np.full((2, count, *values.shape[1:]), np.nan, values.dtype)
        every[:, chosen] = values
        yield every
