"""How often sets pass together: the draws behind the null of a feature's smallest p."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment.beyond import how_many_in_each
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.smallest_p import SmallestP
from unembed.products import product

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_LEVELS = (-3.0, -4.0, -5.0, -6.0, -8.0)
"""Log10 p at which it is told; further out it hardly rises, and never above 1."""
_DIRECTIONS = 256
"""At each level: the standard error of E[1/N] is some two percent."""
_FAR = 1e6


def smallest_p(test: DirectionTest, seed: int) -> SmallestP:
    """Return the null of the smallest p over a test's sets.

    Args:
        test: of the bank.
        seed: decides the directions.
    """
    testable = np.flatnonzero(test.testable)
    random = np.random.default_rng(seed)
    shares = [_share(test, testable, level, random) for level in _LEVELS if len(testable)]
    return SmallestP(np.array(_LEVELS[: len(shares)]), np.array(shares), len(testable))


def _share(test: DirectionTest, testable: I64, level: float, random: np.random.Generator) -> float:
    """Return E[1/N] where p is 10^level, or 1 where no direction that is moved comes so far."""
    sets = random.choice(testable, _DIRECTIONS)
    deeper = level + np.log10(1 - random.random(_DIRECTIONS))
    wanted = test.z_of_sets(sets, deeper) * random.choice((-1, 1), _DIRECTIONS)
    directions = _moved(test, sets, wanted, int(random.integers(2**32)))
    z = test.z_there(test.sweep.standardised(directions).scaled)
    passing = how_many_in_each(z, test.critical(level))
    passing = passing[passing > 0]
    return float((1 / passing).mean()) if len(passing) else 1.0


def _moved(test: DirectionTest, sets: I64, z: F64, seed: int) -> Float[Tensor, "some d"]:
    """Return random directions w + a v, v = Mδ, with a such that each set's z is as wanted.

    (δ·w + a δ·v)² = t² (w + a v)ᵀΣ(w + a v) has a root on the side of t, unless t is more than that
    of v, which is the direction then.
    """
    root, sigma = test.moment.root, test.sweep.covariance
    delta = torch.from_numpy(test.effects.delta[sets])
    v = product(product(delta, root), root.T)
    w = test.moment.draw(len(sets), seed).double()
    seen = product(v, sigma)
    t = torch.from_numpy(z * test.sd[sets])
    of_v, of_w = (delta * v).sum(1), (delta * w).sum(1)
    square = of_v**2 - t**2 * (seen * v).sum(1)
    half = of_v * of_w - t**2 * (seen * w).sum(1)
    rest = of_w**2 - t**2 * (product(w, sigma) * w).sum(1)
    a = (t.sign() * (half**2 - square * rest).clamp_min(0).sqrt() - half) / square
    a = torch.where(square > 0, a, t.sign() * _FAR / of_v)
    return (w + a[:, None] * v).float()
