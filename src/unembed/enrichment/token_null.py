"""The classical null of TSEA: how large |ES| gets for random sets of as many tokens.

It depends on the set's size and the vocabulary's alone. For unweighted hits ES is the two-sample
Kolmogorov-Smirnov statistic, whose distribution is known (`smirnov`); for normal scores it is
simulated once for each number of tokens (`token_simulation`). For hits by magnitude it differs from
feature to feature, and no p-value is quoted.

This null treats tokens as independent, which in a real model they are not: similar tokens have
similar rows of W_U. It is kept because the field quotes it; the direction test is the one to trust.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from unembed.enrichment.lookup import log10_p_of_pairs, log10_p_values
from unembed.enrichment.smirnov import log_one_sided
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
        return cls._of_sizes(least, lambda distinct: _tables(distinct, n_tokens))

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

        def tables(distinct: I64) -> Tails:
            rows = [simulated.table(int(size)) for size in distinct]
            return Tails(*(np.stack(column) for column in zip(*rows, strict=True)))

        return cls._of_sizes(known, tables)

    @classmethod
    def _of_sizes(cls, sizes: I64, tables: Callable[[I64], Tails]) -> TokenNull:
        distinct, columns = np.unique(sizes, return_inverse=True)
        known = distinct > 0
        made = tables(distinct[known]) if known.any() else Tails(*[np.empty((0, 2))] * 3)
        return cls(np.where(known, np.cumsum(known) - 1, -1)[columns], made)

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
    least, score = np.minimum(sizes, n_tokens - sizes), np.minimum(np.abs(es), 1)
    real = (least > 0) & (score > 0)
    log10_p = np.zeros(len(es))
    one_sided = log_one_sided(score[real, None], least[real], n_tokens)[:, 0]
    log10_p[real] = _two_sided(one_sided) / math.log(10)
    return log10_p


def _tables(sizes: I64, n: int) -> Tails:
    """Return the tables of sets of some sizes, from 1 to n / 2."""
    first = np.minimum(_FIRST * np.sqrt(n / (sizes * (n - sizes))), 0.9 / _N_KNOTS)
    bend = np.array([_bend(each) for each in first])[:, None]
    k = np.arange(_N_KNOTS)
    es = np.sinh(bend * k / (_N_KNOTS - 1)) / np.sinh(bend)
    log10_p = np.zeros(es.shape)
    log10_p[:, 1:] = _two_sided(log_one_sided(es[:, 1:], sizes, n)) / math.log(10)
    # by way of the knots' numbers, over which both are smooth
    slope = CubicSpline(k, log10_p, axis=1)(k, 1) / CubicSpline(k, es, axis=1)(k, 1)
    return Tails(es, log10_p, slope)


def _bend(first: float) -> float:
    """Return the c with which knots sinh(c k / (K − 1)) / sinh(c) begin there, and end at 1."""
    bend: float = brentq(lambda c: math.sinh(c / (_N_KNOTS - 1)) / math.sinh(c) - first, 1e-9, 60)
    return bend


def _two_sided(log_p: F64) -> F64:
    """Return log P(|ES| ≥ d) from log P(ES⁺ ≥ d).

    With p one-sided, p² is the chance to pass both bounds in the limit, and so on: 2 (p − p⁴ + p⁹ −
    …) is Kolmogorov's series in terms of Smirnov's.
    """
    p = np.exp(log_p)
    series = sum((-1.0) ** (k + 1) * p ** (k * k - 1) for k in range(1, _TERMS))
    two_sided: F64 = np.minimum(np.log(2 * np.maximum(series, 0.5)) + log_p, 0)
    return two_sided
