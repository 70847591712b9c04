"""The null of normal-scores ES over tokens: random sets of some sizes, simulated once and kept.

The table depends on the number of tokens alone. It is made by the sweep's own reader, in the same
way on every machine, and stays in the cache folder.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import pairwise
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from unembed import cache as entries
from unembed.cache import cache_folder, new_entry
from unembed.errors import FormatError
from unembed.progress import Report
from unembed.sweep import Membership
from unembed.sweep.tsea.cpu import read_tile

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_VERSION = 1
"""Counts up when the simulation changes, so that old tables are not used."""
_SEED = 0
_ROWS = 640
_ROWS_AT_ONCE = 32
_SETS, _BROAD_SETS = 16, 4
_BROAD = 0.25
"""Sets of a larger share of the tokens are costly, and fewer of them are drawn."""
_EACH = 8
_STEP = 1.5
_SHARES = np.concatenate([np.linspace(1, 0.1, 10), np.geomspace(0.1, 0.01, 9)[1:]])
"""Shares of the draws beyond each knot; the last begins the tail."""
_TAIL_KNOTS = 6
_LEAST = 1e-6
"""The shortest tail, where all draws agree: of sets of one token, or of all but one."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """What |ES| did for random sets of m of n tokens.

    Attributes:
        n_tokens: n.
        sizes: [G] the sizes m, rising.
        knots: [G, K] values that a share of the draws reached.
        excess: [G] how far the draws beyond the last knot went on average.
    """

    n_tokens: int
    sizes: I64
    knots: F64
    excess: F64

    def table(self, size: int) -> tuple[F64, F64, F64]:
        """Return |ES|, log10 p and its slope for sets of one size, simulated or between two.

        The tail is exponential, from one draw in a hundred on. The true one falls like a normal
        distribution's, so that far out the p-value is too large, never too small.
        """
        place, sizes = _spread(np.array([size]), self.n_tokens), self.sizes[::-1]
        at = _spread(sizes, self.n_tokens)
        knots = np.array([np.interp(place, at, knot[::-1])[0] for knot in self.knots.T])
        excess = float(np.interp(place, at, self.excess[::-1])[0])
        # draws of a small set may lie at the same place
        body = np.maximum.accumulate(knots + np.arange(len(knots)) * 1e-9)
        reach = max(1.0 - body[-1], excess)
        tail = body[-1] + reach * np.linspace(0, 1, _TAIL_KNOTS + 1)[1:]
        es = np.concatenate([body, tail])
        log10_p = np.concatenate(
            [np.log10(_SHARES), np.log10(_SHARES[-1]) - (tail - body[-1]) / excess / np.log(10)]
        )
        return es, log10_p, PchipInterpolator(es, log10_p)(es, 1)


def _spread(sizes: I64, n_tokens: int) -> F64:
    """Return sqrt((n − m) / (m n)), in which quantiles of |ES| are all but linear.

    Those of small sets grow with it from 0; those of broad ones from the ES of the set of all
    tokens, which is not 0, since hits in the tails weigh more than those in the middle.
    """
    spread: F64 = np.sqrt((n_tokens - sizes) / (sizes * n_tokens))
    return spread


@cache
def simulation(n_tokens: int, report: Report = lambda done, total: None) -> Simulation:
    """Return the table for a number of tokens, from the cache where it was made before.

    Args:
        n_tokens: how many tokens are ranked.
        report: told what is done of how much.
    """
    path = cache_folder() / "token_null" / f"normal-scores-{n_tokens}-{_VERSION}.npz"
    with (
        suppress(OSError, ValueError, KeyError, BadZipFile, FormatError),
        np.load(BytesIO(entries.content(path))) as kept,
    ):
        return Simulation(n_tokens, kept["sizes"], kept["knots"], kept["excess"])
    made = _simulated(n_tokens, report)
    with suppress(OSError), new_entry(path) as part, part.open("wb") as file:
        np.savez(file, sizes=made.sizes, knots=made.knots, excess=made.excess)
    return made


def grid(n_tokens: int) -> I64:
    """Return the sizes that are simulated: small ones each, then 1.5 times the last, to n − 1."""
    sizes: list[int] = []
    size = 1.0
    while size < n_tokens / 2:
        sizes.append(round(size))
        size = size + 1 if size < _EACH else size * _STEP
    left = 1
    while left < n_tokens / 2:
        sizes.append(n_tokens - left)
        left *= 4
    return np.unique(np.array(sizes, np.int64))


def _simulated(n_tokens: int, report: Report) -> Simulation:
    random = np.random.default_rng(_SEED)
    sizes = grid(n_tokens)
    drawn = np.where(sizes <= _BROAD * n_tokens, _SETS, _BROAD_SETS)
    every = np.repeat(sizes, drawn)
    indptr = np.concatenate([[0], np.cumsum(every)])
    rows = np.empty(indptr[-1], np.int32)
    for start, stop in pairwise(indptr):
        rows[start:stop] = np.sort(random.permutation(n_tokens)[: stop - start])
    sets = Membership(n_tokens, indptr, rows)
    found = []
    for done in range(0, _ROWS, _ROWS_AT_ONCE):
        report(done, _ROWS)
        z = random.standard_normal((_ROWS_AT_ONCE, n_tokens), np.float32)
        found.append(np.abs(read_tile(z, sets, "normal-scores").es))
    report(_ROWS, _ROWS)
    es = np.concatenate(found)
    by_size = [np.sort(es[:, every == size].ravel()) for size in sizes]
    knots = np.stack([_reached(values) for values in by_size])
    beyond = [
        values[values >= knot] - knot for values, knot in zip(by_size, knots[:, -1], strict=True)
    ]
    excess = np.array([max(float(values.mean()), _LEAST) for values in beyond])
    return Simulation(n_tokens, sizes, knots, excess)


def _reached(values: F64) -> F64:
    """Return what each share of sorted values reaches; all of them reach 0."""
    places = np.clip(np.ceil(len(values) * (1 - _SHARES)), 0, len(values) - 1).astype(np.int64)
    reached: F64 = values[places]
    reached[0] = 0
    return reached
