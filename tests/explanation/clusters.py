"""A synthetic model with known clusters of tokens, and banks whose features are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tests.planted import Planting
from unembed import Features

D, N = 96, 6000
NARROW, BROAD, TOPICS = 24, 4, 6
EACH = 20
"""Features of each kind."""
DIFFUSE = 4000

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """What was planted in a feature: its class, and the sets that its label must name."""

    name: str
    feature_class: str
    promoted: frozenset[str] = frozenset()
    suppressed: frozenset[str] = frozenset()


class Clusters:
    """The model, its token sets, and a bank with the truth about each feature.

    Narrow sets are 24 clusters of 30 tokens; a topic is a looser cluster of 400 that holds one of
    them (`topic:3` holds `narrow:3`); broad sets are random halves of the vocabulary. Decoys are
    random sets, and unions that blur the clusters.
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self._axes: dict[str, F64] = {}
        self._planting = Planting(torch.from_numpy(self.random.standard_normal((N, D))))
        free = self.random.permutation(N)
        narrow = {f"narrow:{i}": free[30 * i : 30 * (i + 1)] for i in range(NARROW)}
        for name, members in narrow.items():
            self._plant(name, members, 5.5)
        for i in range(TOPICS):
            loose = free[1000 + 370 * i : 1000 + 370 * (i + 1)]
            self._plant(f"topic:{i}", np.concatenate([loose, narrow[f"narrow:{i}"]]), 2.5)
        for i in range(BROAD):
            self._plant(f"broad:{i}", self.random.permutation(N)[: N // 2], 1.6)
        for i in range(40):
            size = int(np.exp(self.random.uniform(np.log(5), np.log(2000))))
            self._planting.token_set(f"decoy:{i}", self.random.permutation(N)[:size])
        for i in range(0, NARROW, 4):
            four = [narrow[f"narrow:{j}"] for j in range(i, i + 4)]
            self._planting.token_set(f"union:{i}", np.concatenate(four))
        self.unembedding, self.sets = self._planting.unembedding, self._planting.sets

    def _plant(self, name: str, members: NDArray[np.int64], strength: float) -> None:
        axis = self.random.standard_normal(D)
        self._axes[name] = axis / np.linalg.norm(axis)
        along = torch.from_numpy(strength * self._axes[name])
        self._planting.token_set(name, members, along=along)

    def bank(self) -> tuple[Features, list[Kind]]:
        """Return a bank, mostly of random directions, and what each feature is."""
        rows, kinds = zip(*self._features(), strict=True)
        noise = self.random.standard_normal((DIFFUSE, D))
        W_dec = np.concatenate([np.stack(rows), noise])
        truth = [*kinds, *(Kind("diffuse", "diffuse") for _ in range(DIFFUSE))]
        order = self.random.permutation(len(W_dec))
        return Features.from_array(W_dec[order], name="bank"), [truth[i] for i in order]

    def nothing(self) -> Features:
        """Return a bank of random directions alone."""
        return Features.from_array(self.random.standard_normal((DIFFUSE, D)), name="nothing")

    def _features(self) -> Iterator[tuple[F64, Kind]]:
        for _ in range(EACH):
            a, b = (f"narrow:{i}" for i in self.random.permutation(NARROW)[:2])
            topic = int(self.random.integers(TOPICS))
            inside, around = f"narrow:{topic}", f"topic:{topic}"
            half = f"broad:{self.random.integers(BROAD)}"
            yield self._row({a: 1}), Kind("prediction", "prediction", frozenset([a]))
            yield (
                self._row({a: -1}),
                Kind("suppression", "suppression", frozenset(), frozenset([a])),
            )
            yield self._row({half: 1}), Kind("partition", "partition", frozenset([half]))
            yield self._row({a: 1, b: 1}), Kind("both", "prediction", frozenset([a, b]))
            yield (
                self._row({a: 1, b: -1}),
                Kind("opposite", "two-sided", *map(frozenset, ([a], [b]))),
            )
            yield self._mean(inside), Kind("inside", "prediction", frozenset([inside]))
            yield self._mean(around), Kind("around", "prediction", frozenset([around]))

    def _row(self, weights: dict[str, float]) -> F64:
        row = sum(weight * self._axes[name] for name, weight in weights.items())
        return self._unsteady(np.asarray(row))

    def _mean(self, name: str) -> F64:
        """The direction of a set's mean row, which raises what is around the set, too."""
        mean = self._planting.mean(name).double().numpy()
        return self._unsteady(mean / np.linalg.norm(mean))

    def _unsteady(self, row: F64) -> F64:
        return row + 0.03 * self.random.standard_normal(D)
