"""The running sum of token set enrichment analysis, in full: the curve that ES is the peak of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.errors import QueryError
from unembed.sweep.settings import Weight
from unembed.sweep.tsea.readings import normal_scores

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class RunningSum(NamedTuple):
    """The running sum of one token set down one feature's ranking of the n tokens.

    It is straight between the places given here: it rises at each member and falls at all others.

    Attributes:
        places: [2m + 2] tokens passed, from 0 to n: just before and just after each member.
        heights: [2m + 2] the sum there, 0 at both ends.
        ranks: [m] the members' places in the ranking, from 1, ascending.
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
    z: npt.NDArray[np.float32], rows: npt.NDArray[np.integer], weight: Weight = "none"
) -> RunningSum:
    """Return the running sum of a token set (Subramanian et al. 2005).

    Members add `w / Σ w`, others take `1 / (n − m)` off. Tokens are ranked by logit weight, the
    highest first, equal ones in order.

    Args:
        z: [n] a feature's standardised logit weights.
        rows: [m] the members of the set, as places in z.
        weight: what a member adds: the same for all (`none`), by rank (`normal-scores`), or |z|
            (`magnitude`).

    Raises:
        QueryError: for a set of no or of all tokens, which has no running sum.
    """
    n, m = len(z), len(rows)
    if not 0 < m < n:
        raise QueryError(f"A set of {m:,} of {n:,} tokens has no running sum: nothing to compare.")
    order = np.argsort(-z, kind="stable")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    passed = np.sort(rank[rows])
    gains = _gains(z, order, passed, weight)
    gained = np.concatenate([[0.0], np.cumsum(gains)])
    lost = (passed - np.arange(m)) * float(m)
    scale = m * float(n - m)
    before, after = (gained[:-1] - lost) / scale, (gained[1:] - lost) / scale
    places = np.concatenate([[0], np.stack([passed, passed + 1], 1).ravel(), [n]])
    heights = np.concatenate([[0.0], np.stack([before, after], 1).ravel(), [0.0]])
    top, bottom = int(np.argmax(heights)), int(np.argmin(heights))
    at = top if heights[top] >= -heights[bottom] else bottom
    es, peak = float(heights[at]), int(places[at])
    return RunningSum(places, heights, passed + 1, order[passed], es, peak)


def _gains(z: npt.NDArray[np.float32], order: I64, passed: I64, weight: Weight) -> F64:
    """Return what each member adds, in units of 1 / (m (n − m)), so that `none` is exact.

    Summed in order of rank, as the sweep does, to the same bits.
    """
    n, m = len(z), len(passed)
    if weight == "none":
        return np.full(m, float(n - m))
    each = normal_scores(n)[passed] if weight == "normal-scores" else np.abs(z[order[passed]])
    each = each.astype(np.float64)
    total = np.cumsum(each)[-1]
    gains: F64 = (each if total > 0 else np.ones(m)) * (m * float(n - m) / (total or m))
    return gains
