"""The classical null of TSEA: how large |ES| gets for random sets of as many tokens.

It depends on the set's size and the vocabulary's alone. For unweighted hits ES is the two-sample
Kolmogorov-Smirnov statistic, whose distribution is known; for normal scores it is simulated once
for each number of tokens (`token_simulation`). For hits by magnitude it differs from feature to
feature, and no p-value is quoted.

This null treats tokens as independent, which in a real model they are not: similar tokens have
similar rows of W_U. It is kept because the field quotes it; the direction test is the one to trust.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numba
import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from unembed.compiled import compiled
from unembed.enrichment.lookup import log10_p_of_pairs, log10_p_values
from unembed.enrichment.tails import Tails
from unembed.enrichment.token_simulation import simulation
from unembed.progress import Report

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_N_KNOTS = 96
_FIRST = 0.1
"""The first knot after 0, in units of the null's scale, 1 / sqrt(m (n − m) / n)."""
_TERMS = 6
_NOTHING = 40.0
"""Terms this far below the largest, in logarithm, and all beyond them, come to nothing."""


class TokenNull:
    """log10 p of ES for sets of given sizes.

    Args:
        columns: [S] which table each set has, −1 for none: then p = 1.
        tables: log10 p by |ES|.
    """

    def __init__(self, columns: I64, tables: Tails) -> None:
        self._columns = columns
        self._tables = tables.single()

    @classmethod
    def unweighted(cls, sizes: I64, n_tokens: int) -> TokenNull:
        """Return the null of unweighted ES.

        Args:
            sizes: [S] members of each set; sets of none or all tokens have p = 1.
            n_tokens: how many tokens are ranked.
        """
        # a set and its complement have opposite ES
        least = np.minimum(sizes, n_tokens - sizes)
        return cls._of_sizes(least, lambda m: _table(m, n_tokens))

    @classmethod
    def normal_scores(
        cls, sizes: I64, n_tokens: int, report: Report = lambda done, total: None
    ) -> TokenNull:
        """Return the null of ES with hits weighed by normal scores.

        Args:
            sizes: [S] members of each set; sets of none or all tokens have p = 1.
            n_tokens: how many tokens are ranked.
            report: told what is done of how much, where it must be simulated first.
        """
        simulated = simulation(n_tokens, report)
        known = np.where(sizes < n_tokens, sizes, 0)
        return cls._of_sizes(known, simulated.table)

    @classmethod
    def _of_sizes(cls, sizes: I64, table: Callable[[int], tuple[F64, F64, F64]]) -> TokenNull:
        distinct, columns = np.unique(sizes, return_inverse=True)
        known = distinct > 0
        rows = [table(int(size)) for size in distinct[known]]
        empty = np.empty((0, 2))
        tables = [np.stack(column) for column in zip(*rows, strict=True)] or [empty] * 3
        return cls(np.where(known, np.cumsum(known) - 1, -1)[columns], Tails(*tables))

    def log10_p(self, es: npt.NDArray[np.floating]) -> F32:
        """Return the two-sided log10 p of ES [F, S]; never −inf."""
        out = np.empty(es.shape, np.float32)
        values = np.ascontiguousarray(es, np.float32)
        log10_p_values(values, self._columns, *self._tables, out)
        return out

    def log10_p_of_sets(self, token_sets: I64, es: npt.NDArray[np.floating]) -> F32:
        """Return the two-sided log10 p of single pairs: ES [P] of the sets with these numbers."""
        out = np.zeros(len(es), np.float32)
        columns = self._columns[token_sets]
        known = columns >= 0
        found = np.zeros(np.count_nonzero(known), np.float32)
        log10_p_of_pairs(es[known].astype(np.float32), columns[known], *self._tables, found)
        out[known] = found
        return out


def log10_p_unweighted(es: F64, sizes: I64, n_tokens: int) -> F64:
    """Return the two-sided log10 p of unweighted ES of single pairs, without a table.

    Args:
        es: [P]
        sizes: [P] members of the set; of none or of all tokens p is 1.
        n_tokens: how many tokens are ranked.
    """
    log_p = np.zeros(len(es))
    for at, (score, size) in enumerate(zip(np.abs(es), sizes, strict=True)):
        least = min(int(size), n_tokens - int(size))
        if least > 0 and score > 0:
            _log_one_sided(np.array([min(score, 1.0)]), least, n_tokens, log_p[at : at + 1])
    p: F64 = np.where(log_p < 0, _two_sided(log_p), 0.0) / math.log(10)
    return p


def _table(m: int, n: int) -> tuple[F64, F64, F64]:
    first = min(_FIRST * math.sqrt(n / (m * (n - m))), 0.9 / _N_KNOTS)
    bend = brentq(lambda c: math.sinh(c / (_N_KNOTS - 1)) / math.sinh(c) - first, 1e-9, 60)
    k = np.arange(_N_KNOTS)
    es = np.sinh(bend * k / (_N_KNOTS - 1)) / math.sinh(bend)
    log_p = np.zeros(_N_KNOTS)
    _log_one_sided(es[1:], m, n, log_p[1:])
    log10_p = _two_sided(log_p) / math.log(10)
    log10_p[0] = 0
    slope = CubicSpline(k, log10_p)(k, 1) / CubicSpline(k, es)(k, 1)
    return es, log10_p, slope


def _two_sided(log_p: F64) -> F64:
    """Return log P(|ES| ≥ d) from log P(ES⁺ ≥ d).

    With p one-sided, p² is the chance to pass both bounds in the limit, and so on: 2 (p − p⁴ + p⁹ −
    …) is Kolmogorov's series in terms of Smirnov's.
    """
    p = np.exp(log_p)
    series = sum((-1.0) ** (k + 1) * p ** (k * k - 1) for k in range(1, _TERMS))
    two_sided: F64 = np.minimum(np.log(2 * np.maximum(series, 0.5)) + log_p, 0)
    return two_sided


@compiled(parallel=True)
def _log_one_sided(es: F64, m: int, n: int, out: F64) -> None:
    """Fill in log P(ES⁺ ≥ d) for a random set of m of n tokens, d in (0, 1].

    A ranking passes the bound where its last hit above it stands, at i hits before the end of the
    ranking: Σᵢ a/(a + bi) C(a + bi, i) C(n − a − bi, m − i) / C(n, m) with a = d (n − m), b = n/m.
    The first factors count the paths that stay below the bound (Takács' ballot theorem). Exact
    where a + bi is whole, and continued by gamma functions between. All terms are positive.
    """
    b = n / m
    whole = _log_choose(np.float64(n), np.float64(m))
    for at in numba.prange(es.shape[0]):
        a = es[at] * (n - m)
        last = math.floor(m * (1 - es[at]) + 1e-9)
        middle = min(max(int((n / 2 - a) / b), 0), last)
        largest, total = -np.inf, 0.0
        for way in (-1, 1):  # from the middle of the ranking, where deep in the tail all of it lies
            i = middle if way < 0 else middle + 1
            while 0 <= i <= last:
                place = a + b * i
                term = (
                    math.log(a / place) + _log_choose(place, np.float64(i))
                    + _log_choose(n - place, np.float64(m - i)) - whole
                )  # fmt: skip
                if term > largest:
                    total = total * math.exp(largest - term) + 1
                    largest = term
                elif term < largest - _NOTHING:
                    break
                else:
                    total += math.exp(term - largest)
                i += way
        out[at] = min(largest + math.log(total), 0.0)


@compiled()
def _log_choose(n: float, k: float) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(max(n - k, 0.0) + 1)
