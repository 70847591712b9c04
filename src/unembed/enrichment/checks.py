"""Checks of what the direction test takes for granted, which can fail.

The test is exact for random directions w ~ N(0, M). That the features of a bank which say nothing
are such directions has two parts: that M, which was measured on the features themselves, is that of
features it was not measured on; and that they are normal. A check puts something else in the place
of the random directions, and asks how many of them have a set with a p that one in a hundred, or
one in a thousand, should have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment.beyond import how_many_in_each
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.effects import Effects
from unembed.enrichment.second_moment import SecondMoment, unit_rows
from unembed.features import Features
from unembed.products import product, solve_lower

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

CheckName = Literal["features", "held out", "normal", "dealt"]
"""What is checked.

| check | measured | it holds |
|---|---|---|
| `features` | how many features M was measured on, by the dimensions | from 1 on |
| `held out` | of directions like one half of the features, those that the test made of the other \
half finds at 1 %, where there are fewer than four features for each dimension | up to 2.5 % |
| `normal` | the kurtosis of the features' components, the median one | up to 4 |
| `dealt` | of directions whose components are dealt out anew among the features, those that the \
test finds at 0.1 % | up to 0.5 % |
"""
CHECKS: tuple[CheckName, ...] = get_args(CheckName)
_LIMITS: dict[CheckName, float] = {"features": 1, "held out": 0.025, "normal": 4, "dealt": 0.005}

_HELD_OUT, _DEALT = 1024, 2048
"""Directions of which it is asked how many the test finds: 10 ± 3 at 1 %, 2 ± 1 at 0.1 %."""
_AT_ONCE = 512
_SETS = 4096
"""Sets, spread evenly over all, that they are tested against."""
_SETS_OF_HALVES = 512
"""Likewise, for a test that is made of them alone."""
_SAMPLED = 2048
"""Features whose components are looked at."""
_FEWEST = 8
"""Features without which there are no halves, and no components, to speak of."""

_ENOUGH = 4
"""Features for each dimension from which on halves hardly differ: their test takes time like d³."""
_UNUSED = 1e-6
"""A component of this variance, where random directions have 1, is rounding."""


class Check(NamedTuple):
    """What a check of a bank's test found.

    Attributes:
        name: see `CheckName`.
        measured: what was found.
        limit: where it begins to fail.
    """

    name: CheckName
    measured: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether what was checked may be taken for granted."""
        if self.name == "features":
            return self.measured >= self.limit
        return self.measured <= self.limit


def check_test(test: DirectionTest, bank: Features, seed: int) -> list[Check]:
    """Return what the checks of a bank's test found.

    Where random directions are like another bank, or alike in all dimensions, they say whether the
    features are like those.

    Args:
        test: of the bank.
        bank: whose features are tested.
        seed: decides halves and directions.
    """
    measured = dict(_measured(test, bank, np.random.default_rng(seed)))
    return [Check(name, measured[name], _LIMITS[name]) for name in CHECKS if name in measured]


def _measured(
    test: DirectionTest, bank: Features, random: np.random.Generator
) -> Iterator[tuple[CheckName, float]]:
    own = test.moment.origin == bank.name
    if own:
        yield "features", test.moment.features / bank.d_model
    W_dec, moment = _written(bank, test.moment)
    alive = np.flatnonzero(W_dec.any(dim=1).numpy())
    if len(alive) < _FEWEST or not test.testable.any():
        return
    if not own or len(alive) < _ENOUGH * bank.d_model:
        yield "held out", _held_out(test, W_dec[random.permutation(alive)], own, random)
    some = np.sort(random.choice(alive, min(_SAMPLED, len(alive)), replace=False))
    components = _components(W_dec[some], moment)
    yield "normal", float(np.median(_kurtosis(components)))
    dealt = (
        test.moment.at_last_layer(_directions(_dealt(components, random), moment))
        for _ in range(0, _DEALT, _AT_ONCE)
    )
    yield "dealt", _share_found(test, dealt, 1e-3)


def _written(
    bank: Features, moment: SecondMoment
) -> tuple[Float[Tensor, "features d"], SecondMoment]:
    """Return directions as they are written, before any lens, and M there."""
    if bank.before is None or moment.before is None:
        return bank.W_dec, moment
    return bank.before.W_dec, moment.before


def _held_out(
    test: DirectionTest, W_dec: Float[Tensor, "features d"], own: bool, random: np.random.Generator
) -> float:
    """Return the share found of directions like some features, by a test made of others.

    Args:
        test: of all features.
        W_dec: the features that are no zeros, in random order.
        own: whether its random directions are like the features; if not, none has to be left out.
        random: decides the directions.
    """
    half, lens = len(W_dec) // 2 if own else 0, test.moment.lens

    def at_last_layer(rows: Float[Tensor, "rows d"]) -> SecondMoment:
        moment = SecondMoment.of_rows(rows)
        return moment if lens is None else moment.through(lens)

    others = at_last_layer(W_dec[half:])
    seeds = random.integers(2**32, size=_HELD_OUT // _AT_ONCE).tolist()
    if own:
        some = _of_sets(test.effects, _some_sets(test, _SETS_OF_HALVES))
        test = DirectionTest(test.sweep, some, at_last_layer(W_dec[:half]))
    return _share_found(test, (others.draw(_AT_ONCE, seed) for seed in seeds), 1e-2)


def _share_found(
    test: DirectionTest, directions: Iterator[Float[Tensor, "some d"]], level: float
) -> float:
    """Return the share of directions that have a set with a p up to level / sets.

    Args:
        test: whose sets they are tested against.
        directions: some at a time.
        level: the share of random directions that have one.
    """
    sets = _some_sets(test, _SETS)
    critical = test.critical(np.log10(level / len(sets)))[sets]
    found = total = 0
    for part in directions:
        z = test.z_there(test.sweep.standardised(part).scaled, sets)
        found += int(np.count_nonzero(how_many_in_each(z, critical)))
        total += len(part)
    return found / total


def _some_sets(test: DirectionTest, most: int) -> I64:
    """Return those that directions are tested against."""
    testable = np.flatnonzero(test.testable)
    return testable[:: -(-len(testable) // most)]


def _of_sets(effects: Effects, sets: I64) -> Effects:
    names = tuple(effects.names[of] for of in sets.tolist())
    return Effects(names, effects.delta[sets], effects.sizes[sets], effects.testable[sets])


def _components(W_dec: Float[Tensor, "features d"], moment: SecondMoment) -> F64:
    """Return [F, d] what features are made of: independent, and of variance 1, if w ~ N(0, M)."""
    units = torch.cat(list(unit_rows(W_dec))).double()
    components: F64 = solve_lower(moment.root, units.T).numpy().T
    return components


def _kurtosis(components: F64) -> F64:
    """Return that of each component which features have: in some dimensions none may write."""
    square = components * components
    variance, fourth = square.mean(0), (square * square).mean(0)
    used = variance > _UNUSED
    kurtosis: F64 = fourth[used] / variance[used] ** 2
    return kurtosis


def _dealt(components: F64, random: np.random.Generator) -> F64:
    """Return some directions' components, each from a feature of its own, with either sign."""
    shape = _AT_ONCE, components.shape[1]
    dealt: F64 = np.take_along_axis(components, random.integers(len(components), size=shape), 0)
    dealt *= random.choice((-1.0, 1.0), shape)
    return dealt


def _directions(components: F64, moment: SecondMoment) -> Float[Tensor, "some d"]:
    return product(torch.from_numpy(components), moment.root.T).float()
