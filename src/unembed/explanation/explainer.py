"""One bank's features explained, tile by tile: class, label, and what the label rests on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.pairs import Pairs
from unembed.explanation import wording
from unembed.explanation.classes import Envelope, classify
from unembed.explanation.evidence import cell_sums, count_members, coverage, regress
from unembed.explanation.explanation import N_OUTERMOST, Explained, Explanation, Part, Rejection
from unembed.explanation.pursuit import Candidates, Pursuit
from unembed.explanation.settings import MOST_PARTS, ExplanationSettings
from unembed.outside.text import quoted
from unembed.products import ROWS, array_product
from unembed.sweep import FeatureStatistics, Membership, Tile, tail_kurtosis
from unembed.tokensets import TokenSets

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_BROAD = (0.1, 0.9)
"""Shares of the vocabulary between which a set splits it."""
_N_REJECTED = 10
_N_TOKENS = 5


class _Passing(NamedTuple):
    """Pairs that a label may rest on.

    Attributes:
        feature: [P] ascending.
        token_set: [P]
        z: [P]
        variance: [P] the share of the logit weights' variance that the set explains.
        slight: [P] whether the set says too little to be named.
    """

    feature: I64
    token_set: I64
    z: npt.NDArray[np.float32]
    variance: F64
    slight: npt.NDArray[np.bool_]


class Explainer:
    """The explanations of one bank.

    Args:
        test: the bank's direction test.
        token_sets: that were tested.
        membership: the same over the rows of W_U.
        envelope: of the bank's random directions.
        threshold: the largest log10 p that passes the false discovery rate.
        settings: where classes are cut.
    """

    def __init__(
        self,
        test: DirectionTest,
        token_sets: TokenSets,
        membership: Membership,
        envelope: Envelope,
        threshold: float,
        settings: ExplanationSettings,
    ) -> None:
        self.envelope = envelope
        self._test = test
        self._token_sets = token_sets
        self._membership = membership
        self._threshold = threshold
        self._settings = settings
        self._plain = np.array([wording.is_plain(info) for info in token_sets.infos])
        self._scaled = test.effects.delta / np.where(test.testable, test.sd, 1)[:, None]
        sizes, n = membership.sizes, membership.n_tokens
        self._broad = (sizes >= _BROAD[0] * n) & (sizes <= _BROAD[1] * n)
        odds = sizes / np.maximum(n - sizes, 1)
        self._r2 = test.sd**2 * odds
        """[S] z² times this is the share of the variance that a set explains."""

    def read(
        self,
        tile: Tile,
        statistics: FeatureStatistics,
        pairs: Pairs,
        log10_density: npt.NDArray[np.float32] | None,
    ) -> list[Explanation]:
        """Return the explanation of every feature of a tile.

        Args:
            tile: of the sweep.
            statistics: of its features.
            pairs: the tile's significant pairs, their features counted from the tile's first.
            log10_density: [T] where known.
        """
        found = self._passing(pairs, statistics)
        splits = self._splits(found, len(statistics.std))
        least = self._settings.split_variance
        dead = np.zeros(len(statistics.std), bool)
        if log10_density is not None:
            dead = log10_density < self._settings.dead_below
        tails = tail_kurtosis(statistics.histogram)
        classes = classify(
            tails, self.envelope,
            splits=np.array([split is not None and split[1] >= least for split in splits]),
            dead=dead, flat=statistics.flat,
        )  # fmt: skip
        pursuits = self._pursuits(found, classes, splits)
        explained = self._explained(tile, pursuits)
        return [
            self._explanation(
                str(classes[at]), (float(tails.left[at]), float(tails.right[at])), splits[at],
                pursuits.get(at), explained.get(at),
                statistics.top_ids[at], statistics.bottom_ids[at],
            )
            for at in range(len(classes))
        ]  # fmt: skip

    def _passing(self, pairs: Pairs, statistics: FeatureStatistics) -> _Passing:
        """Those pairs that pass the labels' own false discovery rate, and what each says."""
        passing = pairs.log10_q <= np.float32(np.log10(self._settings.max_q))
        feature, token_set = pairs.feature[passing], pairs.token_set[passing]
        z = pairs.z[passing]
        variance = z.astype(np.float64) ** 2 * self._r2[token_set]
        promoted = z > 0
        tokens = np.zeros(len(z), np.int64)
        sides = ((promoted, statistics.top_ids), (~promoted, statistics.bottom_ids))
        for side, ids in sides:
            tokens[side] = count_members(
                np.ascontiguousarray(ids[:, :N_OUTERMOST]), feature[side], token_set[side],
                self._token_sets.indptr, self._token_sets.ids,
            )  # fmt: skip
        slight = (tokens < self._settings.least_tokens) & (variance < self._settings.least_variance)
        return _Passing(feature, token_set, z, variance, slight)

    def _splits(self, pairs: _Passing, n_features: int) -> list[tuple[int, float] | None]:
        """The broad set that explains most of each feature's variance."""
        found: list[tuple[int, float] | None] = [None] * n_features
        broad = self._broad[pairs.token_set]
        for at in np.argsort(pairs.variance, kind="stable"):
            if broad[at]:
                found[pairs.feature[at]] = (int(pairs.token_set[at]), float(pairs.variance[at]))
        return found

    def _pursuits(
        self,
        pairs: _Passing,
        classes: npt.NDArray[np.str_],
        splits: list[tuple[int, float] | None],
    ) -> dict[int, Pursuit]:
        """Choose the parts of every feature that has a significant set.

        Those of a block of rows together, whatever the tile: what is computed with is computed
        alike.
        """
        found = {}
        starts = np.flatnonzero(np.diff(pairs.feature, prepend=-1))
        for own in np.split(np.arange(len(pairs.feature)), starts[1:]) if len(starts) else ():
            feature = int(pairs.feature[own[0]])
            pursuit = Pursuit(self._candidates(pairs, own))
            split = splits[feature]
            if classes[feature] == "partition" and split is not None:
                pursuit.fixed(int(np.flatnonzero(pairs.token_set[own] == split[0])[0]))
            found[feature] = pursuit
        for start in range(0, len(classes), ROWS):
            block = range(start, start + ROWS)
            open_ones = [pursuit for feature, pursuit in found.items() if feature in block]
            while open_ones:
                for pursuit in open_ones:
                    pursuit.choose(
                        self._test.log10_p_of_sets, self._threshold, self._settings.parts
                    )
                open_ones = self._fallen(open_ones)
        return found

    def _candidates(self, pairs: _Passing, own: I64) -> Candidates:
        token_set = pairs.token_set[own]
        vectors = self._test.coordinates[token_set]
        gram = array_product(vectors, vectors.T).astype(np.float64)
        z = pairs.z[own].astype(np.float64)
        return Candidates(token_set, z, gram, self._plain[token_set], pairs.slight[own])

    def _fallen(self, pursuits: list[Pursuit]) -> list[Pursuit]:
        """Test each part given the others, exactly; return those that lost their weakest."""
        several = [pursuit for pursuit in pursuits if len(pursuit.chosen) > 1]
        if not several:
            return []
        log10_p = np.split(*self._given_the_others(several))
        fallen = []
        for pursuit, p in zip(several, log10_p, strict=True):
            pursuit.log10_p = p
            if pursuit.drop_weakest(self._threshold):
                fallen.append(pursuit)
        return fallen

    def _given_the_others(self, pursuits: list[Pursuit]) -> tuple[npt.NDArray[np.float32], I64]:
        """Exact log10 p of every part given the others, and where each next pursuit begins."""
        z, delta = [], []
        for pursuit in pursuits:
            left, weights = pursuit.given_the_others()
            z.append(left)
            delta.append(array_product(weights, self._scaled[pursuit.token_sets]))
        ends = np.cumsum([len(part) for part in z])[:-1]
        return self._test.log10_p_of(np.concatenate(delta), np.concatenate(z)), ends

    def _explained(self, tile: Tile, pursuits: dict[int, Pursuit]) -> dict[int, Explained]:
        """What the parts explain of variance and kurtosis."""
        named = [at for at, pursuit in pursuits.items() if pursuit.chosen]
        if not named:
            return {}
        parts = np.full((len(named), MOST_PARTS), -1, np.int64)
        for row, at in enumerate(named):
            chosen = pursuits[at].token_sets
            parts[row, : len(chosen)] = chosen
        sums = cell_sums(
            tile.z.cpu().numpy(), np.array(named), parts,
            self._membership.indptr, self._membership.rows,
        )  # fmt: skip
        return dict(zip(named, regress(sums), strict=True))

    def _explanation(
        self,
        feature_class: str,
        tails: tuple[float, float],
        split: tuple[int, float] | None,
        pursuit: Pursuit | None,
        explained: Explained | None,
        top: npt.NDArray[np.int32],
        bottom: npt.NDArray[np.int32],
    ) -> Explanation:
        parts = self._parts(pursuit) if pursuit else []
        rejected = self._rejected(pursuit) if pursuit else []
        label = self._label(feature_class, parts, split, top, bottom)
        promoted = [part.token_set for part in parts if part.z > 0]
        suppressed = [part.token_set for part in parts if part.z < 0]
        return Explanation(
            feature_class, label, *tails, parts, rejected, split, explained,
            self._coverage(top, promoted), self._coverage(bottom, suppressed),
        )  # fmt: skip

    def _parts(self, pursuit: Pursuit) -> list[Part]:
        left, _ = pursuit.given_the_others()
        z = pursuit.candidates.z[pursuit.chosen]
        log10_p = pursuit.log10_p
        if len(pursuit.chosen) == 1:
            log10_p = self._test.log10_p_of_sets(pursuit.token_sets, z)
        columns = (pursuit.token_sets, z, left, log10_p)
        return [
            Part(int(s), float(a), float(b), float(p)) for s, a, b, p in zip(*columns, strict=True)
        ]

    def _rejected(self, pursuit: Pursuit) -> list[Rejection]:
        found = pursuit.candidates
        return [
            Rejection(
                int(found.token_set[each.candidate]), float(found.z[each.candidate]), each.reason,
                int(found.token_set[each.by]), each.z,
            )
            for each in pursuit.rejected(
                self._test.log10_p_of_sets, self._threshold, _N_REJECTED
            )
        ]  # fmt: skip

    def _label(
        self,
        feature_class: str,
        parts: list[Part],
        split: tuple[int, float] | None,
        top: npt.NDArray[np.int32],
        bottom: npt.NDArray[np.int32],
    ) -> str:
        if feature_class == "flat":
            return "writes nothing"
        infos = self._token_sets.infos
        splitting = feature_class == "partition" and split is not None
        named = parts[1:] if splitting else parts
        if not parts:
            return wording.no_label(self._texts(top), self._texts(bottom), feature_class)
        return wording.label(
            [infos[part.token_set] for part in named],
            [part.z for part in named],
            (infos[split[0]], split[1]) if splitting and split else None,
        )

    def _texts(self, ids: npt.NDArray[np.int32]) -> list[str]:
        texts = self._token_sets.vocabulary.texts
        return [quoted(texts[token]) for token in ids[:_N_TOKENS]]

    def _coverage(self, ids: npt.NDArray[np.int32], sets: list[int]) -> float | None:
        if not sets:
            return None
        bounds = self._token_sets.indptr
        members = [self._token_sets.ids[bounds[s] : bounds[s + 1]] for s in sets]
        return coverage(ids[:N_OUTERMOST], members)
