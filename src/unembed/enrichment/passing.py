"""Pairs that pass, found by z alone: for each set p falls with |z|, so that a p is a threshold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from unembed.enrichment.beyond import how_many_beyond, largest_of_each, pairs_beyond
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.discovery_rate import DiscoveryRate
from unembed.progress import Report

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

_FEATURES_AT_ONCE = 2048
_STEP = float(np.log10(1.1))
LIKELY = -3.0
"""The log10 p up to which pairs are held while all are counted. Where more than a fiftieth of a
bank's pairs pass at a rate of 5 %, the threshold is above it, and z is multiplied out once more."""


class Passing(NamedTuple):
    """Pairs of a feature and a token set with a small p.

    Attributes:
        feature: [P] the feature's position among those that were read, ascending.
        token_set: [P] the set's number, ascending for each feature.
        z, log10_p: [P] of the direction test.
    """

    feature: I32
    token_set: I32
    z: F32
    log10_p: F32

    def up_to(self, log10_p: float) -> Passing:
        """Return the pairs whose log10 p is at most this."""
        return self._at(self.log10_p <= log10_p)

    def of(self, start: int, stop: int) -> Passing:
        """Return the pairs of the features from `start` to `stop`, counted from `start`."""
        part = slice(*np.searchsorted(self.feature, (start, stop)))
        found = self._at(part)
        return found._replace(feature=found.feature - np.int32(start))

    def _at(self, chosen: slice | npt.NDArray[np.bool_]) -> Passing:
        feature, token_set, z, log10_p = self
        return Passing(feature[chosen], token_set[chosen], z[chosen], log10_p[chosen])


class Counted(NamedTuple):
    """What is known of pairs before the q of any.

    Attributes:
        rate: their counts.
        strongest: [S] the largest |z| of each set.
        smallest: [F] the smallest log10 p of each feature; NaN for flat ones.
        likely: those with a log10 p up to LIKELY.
    """

    rate: DiscoveryRate
    strongest: F32
    smallest: F32
    likely: Passing


def count_pairs(
    test: DirectionTest, W_dec: Float[Tensor, "features d_model"], max_p: float, report: Report
) -> Counted:
    """Return the counts of features' pairs, and those that are likely to pass.

    Args:
        test: of the features' bank.
        W_dec: [F, d_model] all features of the bank, or some of them.
        max_p: pairs with a larger p are counted in steps of a tenth: their q, which is above this,
            is at most a tenth too large. The smallest p of a feature without a smaller one is 1.
        report: told how many features are done.
    """
    rate, kept = DiscoveryRate(), []
    strongest = np.zeros(len(test.effects), np.float32)
    smallest = np.full(len(W_dec), np.nan, np.float32)
    steps = np.append(np.arange(np.log10(max_p), 0, _STEP)[1:], 0.0)
    critical = np.zeros((len(steps) - 1, len(test.effects)), np.float32)
    for at, step in enumerate(steps[:-1]):
        critical[at] = test.critical(step)
    for part, z, alive in _parts(test, W_dec, float(np.log10(max_p)), report):
        np.maximum(strongest, largest_of_each(z), out=strongest)
        smallest[alive] = 0
        np.minimum.at(smallest, part.feature, part.log10_p)
        tested = len(alive) * np.count_nonzero(test.testable)
        upto = np.array([len(part.log10_p), *how_many_beyond(z, critical), tested])
        rate.add_pairs(part.log10_p)
        rate.add_pairs(steps, np.diff(np.maximum.accumulate(upto)))
        kept.append(part.up_to(LIKELY))
    return Counted(rate, strongest, smallest, _joined(kept))


def find_passing(
    test: DirectionTest, W_dec: Float[Tensor, "features d_model"], log10_p: float
) -> Passing:
    """Return the pairs of features with a log10 p up to any threshold.

    Args:
        test: of the features' bank.
        W_dec: [F, d_model] all features of the bank, or some of them.
        log10_p: the threshold.
    """
    parts = _parts(test, W_dec, log10_p, lambda done, total: None)
    return _joined([part for part, _, _ in parts])


def sets_that_pass(test: DirectionTest, strongest: F32, log10_p: float) -> npt.NDArray[np.int64]:
    """Return the numbers of the sets of which any pair has a log10 p up to a threshold.

    Args:
        test: of the pairs.
        strongest: [S] the largest |z| of each set.
        log10_p: the threshold.
    """
    beyond = np.flatnonzero(strongest >= test.critical(log10_p))
    return beyond[test.log10_p_of_sets(beyond, strongest[beyond]) <= log10_p]


def _parts(
    test: DirectionTest, W_dec: Float[Tensor, "features d_model"], log10_p: float, report: Report
) -> Iterator[tuple[Passing, Tensor, I64]]:
    """Yield the pairs of so many features at once, z of all, and which of them are not flat.

    z stays on the sweep's device: there is far more of it than of what passes.
    """
    critical = test.critical(log10_p)
    for start in range(0, len(W_dec), _FEATURES_AT_ONCE):
        report(start, len(W_dec))
        rows = test.sweep.standardised(W_dec[start : start + _FEATURES_AT_ONCE])
        every = test.z_there(rows.scaled)
        row, token_set, z = pairs_beyond(every, critical)
        p = test.log10_p_of_sets(token_set.astype(np.int64), z)
        found = Passing(row + np.int32(start), token_set, z, p)
        yield found.up_to(log10_p), every, start + np.flatnonzero(rows.std)
    report(len(W_dec), len(W_dec))


def _joined(parts: list[Passing]) -> Passing:
    return Passing(*(np.concatenate(column) for column in zip(*parts, strict=True)))
