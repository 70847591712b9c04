"""How often words that do not belong together look as cohesive as a module of W_U.

A module is found because it is cohesive, so that random groups of tokens say nothing: nearly every
module passes against them, those of noise too. It is held against groups that the same search finds
among words whose coordinates were exchanged: each coordinate of the whitened rows, by itself,
changes places within words that are about as frequent. What the frequency of words alone brings
together stays together; what a meaning brings together does not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.discovery.graph import cohesion
from unembed.discovery.rows import Rows, search
from unembed.discovery.settings import DiscoverSettings
from unembed.discovery.words import Words
from unembed.progress import Progress, report_of

F64 = npt.NDArray[np.float64]

MAX_Q = 0.01
"""Of the modules that join, one in a hundred may be a chance."""
_AS_FREQUENT = 256
"""So many words, neighbours in order of their first token, exchange coordinates."""
_MOST_SEARCHES = 20


class Chance(NamedTuple):
    """How often chance does as well as each module.

    Attributes:
        p: [modules] the share of groups of words without meanings that are as cohesive.
        q: [modules] the share of chances among the communities that are as cohesive.
    """

    p: F64
    q: F64


def chance_of(
    rows: Rows,
    words: Words,
    points: Float[Tensor, "words d_model"],
    settings: DiscoverSettings,
    report: Progress,
) -> Chance:
    """Return how often chance does as well as the modules, at the resolution of each.

    p = (r + 1) / (n + 1), r of n groups. All communities that were searched count as tested in q
    (Benjamini & Hochberg 1995), not only those that are modules. The search is repeated, each time
    with coordinates exchanged otherwise, until n is twice what tells a q of one in a hundred.

    Args:
        rows: the modules of W_U.
        words: of its vocabulary.
        points: their directions.
        settings: with which the modules were found.
        report: called as the work goes on.
    """
    order = np.argsort([ids.min() for ids in words.tokens], kind="stable")
    resolution = np.array([module.resolution for module in rows.modules])
    values = np.array([module.cohesion for module in rows.modules])
    wanted = {
        each: 2 * many / (MAX_Q * max(int((resolution == each).sum()), 1))
        for each, many in rows.searched.items()
    }
    null: dict[float, list[float]] = {each: [] for each in rows.searched}
    for seed in range(settings.seed, settings.seed + _MOST_SEARCHES):
        if not rows.modules or all(
            len(null[each]) >= wanted[each] for each in np.unique(resolution)
        ):
            break
        mixed = exchanged(points, order, seed)
        step = report_of(report, "As many words without meanings")
        for each, members in search(mixed, settings, step).items():
            null[each] += [cohesion(mixed, nodes) for nodes in members]
    p, q = np.ones(len(values)), np.ones(len(values))
    for each in np.unique(resolution):
        at = resolution == each
        p[at] = shares(values[at], np.array(null[each], np.float64))
        q[at] = rates(p[at], rows.searched[float(each)])
    return Chance(p, q)


def exchanged(
    points: Float[Tensor, "n d"], order: npt.NDArray[np.int64], seed: int
) -> Float[Tensor, "n d"]:
    """Return unit rows whose coordinates, each by itself, changed places within stretches.

    Args:
        points: unit rows.
        order: [n] rows, of which 256 that follow one another are a stretch.
        seed: decides who changes with whom.
    """
    random = np.random.default_rng(seed)
    mixed = points.numpy().copy()
    for start in range(0, len(order), _AS_FREQUENT):
        stretch = order[start : start + _AS_FREQUENT]
        mixed[stretch] = random.permuted(mixed[stretch], axis=0)
    return torch.nn.functional.normalize(torch.from_numpy(mixed))


def shares(values: F64, null: F64) -> F64:
    """Return (r + 1) / (n + 1), r of n of the null that reach each value.

    >>> shares(np.array([0.5, 0.1]), np.array([0.1, 0.2, 0.3])).tolist()
    [0.25, 1.0]
    """
    reach = len(null) - np.searchsorted(np.sort(null), values)
    found: F64 = (reach + 1) / (len(null) + 1)
    return found


def rates(p: F64, tested: int) -> F64:
    """Return Benjamini and Hochberg's q of the smallest p of so many that were tested.

    >>> rates(np.array([0.01, 0.001]), 10).tolist()
    [0.05, 0.01]
    """
    order = np.argsort(p, kind="stable")
    raw = p[order] * tested / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1)
    return found
