"""The running sum of token set enrichment analysis, in full: the curve that ES is the peak of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.errors import QueryError
from unembed.sweep.settings import Weight
from unembed.sweep.tsea.blocks import sums_of
from unembed.sweep.tsea.readings import normal_scores
from unembed.ties import NO_TIES, Ties

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class RunningSum(NamedTuple):
    """The running sum of one token set down one feature's ranking of the n tokens.

    It is straight between the places given here: it rises at each member and falls at all others.
    Tokens of identical rows of W_U are passed in one step, so that there it is straight too.

    Attributes:
        places: [2b + 2] tokens passed, from 0 to n: just before and just after each of b members,
            or blocks of tied tokens with members among them.
        heights: [2b + 2] the sum there, 0 at both ends.
        ranks: [m] the members' places in the ranking, from 1, ascending; tied ones in the order of
            their ids.
        rows: [m] the members in that order, as places in the logit weights.
        es: the enrichment score, the height of largest magnitude with its sign; + promotes.
        peak: after how many tokens the sum is there.
    """

    places: I64
    heights: F64
    ranks: I64
    rows: I64
    es: float
    peak: int

    @property
    def in_leading_edge(self) -> npt.NDArray[np.bool_]:
        """[m] the members up to the peak of a promoted set, after it of a suppressed one."""
        return self.ranks <= self.peak if self.es > 0 else (self.ranks > self.peak) & (self.es < 0)


def running_sum(
    z: npt.NDArray[np.float32],
    rows: npt.NDArray[np.integer],
    weight: Weight = "none",
    ties: Ties = NO_TIES,
) -> RunningSum:
    """Return the running sum of a token set (Subramanian et al. 2005).

    Members add `w / Σ w`, others take `1 / (n − m)` off. Tokens are ranked by logit weight, the
    highest first, equal ones in order.

    Args:
        z: [n] a feature's standardised logit weights.
        rows: [m] the members of the set, as places in z.
        weight: what a member adds: the same for all (`none`), by rank (`normal-scores`), or |z|
            (`magnitude`).
        ties: which rows of W_U are identical.

    Raises:
        QueryError: for a set of no or of all tokens, which has no running sum.
    """
    n, m = len(z), len(rows)
    if not 0 < m < n:
        raise QueryError(f"A set of {m:,} of {n:,} tokens has no running sum: nothing to compare.")
    order = _order(z, ties)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    passed = np.sort(rank[rows])
    starts, stops = _blocks(rank, ties)
    gains = _gains(z, order, passed, starts, stops, weight)
    gained = np.concatenate([[0.0], np.cumsum(gains)])
    first = np.flatnonzero(np.diff(starts[passed], prepend=-1))  # hits that begin a block
    after_last = np.append(first[1:], m)
    starts, stops = starts[passed[first]], stops[passed[first]]
    scale = m * float(n - m)
    before = (gained[first] - (starts - first) * float(m)) / scale
    after = (gained[after_last] - (stops - after_last) * float(m)) / scale
    places = np.concatenate([[0], np.stack([starts, stops], 1).ravel(), [n]])
    heights = np.concatenate([[0.0], np.stack([before, after], 1).ravel(), [0.0]])
    top, bottom = int(np.argmax(heights)), int(np.argmin(heights))
    at = top if heights[top] >= -heights[bottom] else bottom
    es, peak = float(heights[at]), int(places[at])
    return RunningSum(places, heights, passed + 1, order[passed], es, peak)


def _order(z: npt.NDArray[np.float32], ties: Ties) -> I64:
    """Return the rows by falling weight; identical rows of W_U stand together."""
    if not len(ties):
        return np.argsort(-z, kind="stable")
    rows = ties.order(len(z))
    return rows[np.argsort(-z[rows], kind="stable")]


def _blocks(rank: I64, ties: Ties) -> tuple[I64, I64]:
    """Return [n] where the block of each rank begins, and [n] where it ends.

    Args:
        rank: [n] of each row, from 0.
        ties: which rows are identical; any other is a block of its own.
    """
    starts = np.arange(len(rank))
    stops = starts + 1
    starts[rank[ties.rows]] = rank[ties.heads][ties.group]
    stops[rank[ties.rows]] = (rank[ties.heads] + ties.sizes)[ties.group]
    return starts, stops


def _gains(
    z: npt.NDArray[np.float32], order: I64, passed: I64, starts: I64, stops: I64, weight: Weight
) -> F64:
    """Return what each member adds, in units of 1 / (m (n − m)), so that `none` is exact.

    Summed in order of rank, as the sweep does, to the same bits. By normal scores, a member in a
    block adds in proportion to the mean of the block's places.
    """
    n, m = len(z), len(passed)
    if weight == "none":
        return np.full(m, float(n - m))
    if weight == "normal-scores":
        each, sums = normal_scores(n)[passed], sums_of(normal_scores(n))
        start, stop = starts[passed], stops[passed]
        each = np.where(stop - start > 1, (sums[stop] - sums[start]) / (stop - start), each)
    else:
        each = np.abs(z[order[passed]]).astype(np.float64)
    total = np.cumsum(each)[-1]
    gains: F64 = (each if total > 0 else np.ones(m)) * (m * float(n - m) / (total or m))
    return gains
