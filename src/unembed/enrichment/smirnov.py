"""The null of one-sided ES, exactly: Smirnov's distribution, of a set of m of n tokens.

A ranking passes the bound d where its last hit above it stands, at i hits before the end of the
ranking, so that

    P(ES⁺ ≥ d) = Σᵢ a/(a + bi) C(a + bi, i) C(n − a − bi, m − i) / C(n, m)

with a = d (n − m), b = n/m and i from 0 to m (1 − d). The first factors count the paths that stay
below the bound (Takács' ballot theorem). It is exact where a + bi is whole, and continued by gamma
functions between. All terms are positive.

They may be tens of thousands, but are smooth: a block of any length is made of eight of them.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

from unembed.compiled import compiled
from unembed.enrichment.gauss import gauss
from unembed.workers import over_rows

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_NOTHING = 40.0
"""Terms this far below the largest, in logarithm, and all beyond them, come to nothing."""
_AT_ONCE = 256
"""Values that a thread takes at a time."""
_TAKEN = 8
"""Terms that are taken from a block: it then holds to 1e-10 of log10 p, as large as blocks are."""
_SHORTEST = 2 * _TAKEN
_WIDTHS = 2.0
"""A block is at most this many standard deviations of the peak long."""


def log_one_sided(
    es: Float[np.ndarray, "sizes values"], sizes: I64, n: int
) -> Float[np.ndarray, "sizes values"]:
    """Return log P(ES⁺ ≥ d) of random sets, [G, K].

    Args:
        es: [G, K] the bounds d of each size, in (0, 1].
        sizes: [G] m, from 1 to n − 1.
        n: how many tokens are ranked.
    """
    lengths = np.array([1, *_SHORTEST << np.arange(max(1, (n // _SHORTEST).bit_length()))])
    places, weights = np.zeros((2, len(lengths), _TAKEN))
    weights[0, 0] = 1
    for size, length in enumerate(lengths[1:], 1):
        places[size], weights[size] = gauss(np.arange(length, dtype=float), np.ones(length), _TAKEN)
    out = np.empty(es.shape)
    over_rows(_fill, es.size, _AT_ONCE, es, sizes, n, lengths, places, weights, out)
    return out


@compiled()
def _fill(
    first: int, stop: int, es: F64, sizes: I64, n: int, lengths: I64, places: F64, weights: F64,
    out: F64,
) -> None:  # fmt: skip
    """Fill in log P, block by block from the middle of the ranking to either end.

    Args:
        first: of the values [G · K] that are filled in.
        stop: the one that is filled in no more.
        es: [G, K] d.
        sizes: [G] m.
        n: how many tokens are ranked.
        lengths: [L] how many terms a block may have, rising from 1.
        places: [L, _TAKEN] where those terms stand that are taken from it.
        weights: [L, _TAKEN] of how many each stands.
        out: [G, K].
    """
    for at in range(first, stop):
        row, column = at // es.shape[1], at % es.shape[1]
        m, d = sizes[row], es[row, column]
        a, b = d * (n - m), n / m
        last = math.floor(m * (1 - d) + 1e-9)
        middle = min(max(int((n / 2 - a) / b), 0), last)
        largest, total = -np.inf, 0.0
        for way in (-1, 1):  # from the middle, where deep in the tail all of it lies
            i = middle if way < 0 else middle + 1
            while 0 <= i <= last:
                # terms change fast at the ends, and about a peak: short blocks there
                ahead, behind = (i + 1, last - i + 1) if way < 0 else (last - i + 1, i + 1)
                room = min(ahead / 2, behind, _WIDTHS * _width(i, a, b, m, n))
                size = 0
                while size + 1 < len(lengths) and lengths[size + 1] <= room:
                    size += 1
                comes_to_nothing = True
                for k in range(min(lengths[size], _TAKEN)):
                    term = _log_term(i + way * places[size, k], a, b, m, n)
                    if term > largest:
                        total *= math.exp(largest - term)
                        largest = term
                    total += weights[size, k] * math.exp(term - largest)
                    comes_to_nothing &= term < largest - _NOTHING
                if comes_to_nothing:
                    break
                i += way * lengths[size]
        out[row, column] = min(largest + math.log(total) - _log_choose(n, m), 0.0)


@compiled()
def _width(i: int, a: float, b: float, m: int, n: int) -> float:
    """Return the standard deviation of a normal density that bends as the terms do at i.

    By Stirling's formula their logarithm has the second derivative −a² (1/i(p − i)p + 1/i'(p' − i')
    p') with p = a + bi, and i' = m − i and p' = n − p counted from the other end.
    """
    p = a + b * i
    one, other = i * (p - i) * p, (m - i) * (n - p - m + i) * (n - p)
    return math.sqrt(one / (one + other) * other) / a if min(one, other) > 0 else 0.0


@compiled()
def _log_term(i: float, a: float, b: float, m: int, n: int) -> float:
    p = a + b * i
    return math.log(a / p) + _log_choose(p, i) + _log_choose(n - p, m - i)


@compiled()
def _log_choose(n: float, k: float) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(max(n - k, 0.0) + 1)
