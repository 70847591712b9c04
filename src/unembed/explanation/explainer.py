"""One bank's features explained, tile by tile: class, label, and what the label rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.feature_rate import FeatureRate, thresholds
from unembed.enrichment.pairs import Pairs
from unembed.explanation import wording
from unembed.explanation.candidates import Candidates
from unembed.explanation.cells import cell_sums
from unembed.explanation.chosen import Chosen
from unembed.explanation.classes import Envelope, classify
from unembed.explanation.correlations import correlations
from unembed.explanation.evidence import regress
from unembed.explanation.explanation import (
    NOT_ASKED,
    Ends,
    Explained,
    Explanation,
    Part,
    Rejection,
)
from unembed.explanation.members import within
from unembed.explanation.names import ONE_TAIL, verbs_of
from unembed.explanation.outermost import Outermost
from unembed.explanation.own_words import OwnWordsTest, own_label
from unembed.explanation.phrasing import is_last_resort, worth
from unembed.explanation.pursuit import Pursuit
from unembed.explanation.rejected import rejected
from unembed.explanation.settings import ExplanationSettings
from unembed.explanation.shortest import fewest_tokens
from unembed.explanation.telling import Telling
from unembed.outside.text import quoted
from unembed.sweep import FeatureStatistics, Membership, Tile
from unembed.tokensets import SetInfo, TokenSets

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Row = TypeVar("Row")

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
        chance: [P] whether it passes among all pairs only, not in its feature.
        threshold: [F] the largest log10 p that passes in each feature.
        telling: what naming the sets tells of the outermost tokens.
    """

    feature: I64
    token_set: I64
    z: npt.NDArray[np.float32]
    variance: F64
    slight: npt.NDArray[np.bool_]
    chance: npt.NDArray[np.bool_]
    threshold: F64
    telling: Telling


class Explainer:
    """The explanations of one bank.

    Args:
        test: the bank's direction test.
        token_sets: that were tested.
        membership: the same over the rows of W_U.
        envelope: of the bank's random directions.
        rate: of the features that are explained, in order.
        log10_level: at which the sets of each chosen feature are tested.
        settings: where classes are cut.
        own_words: the test of words that no set holds; None where it is left out.
        reads: whether the features' directions are what they read.
    """

    def __init__(
        self,
        test: DirectionTest,
        token_sets: TokenSets,
        membership: Membership,
        envelope: Envelope,
        rate: FeatureRate,
        log10_level: float,
        settings: ExplanationSettings,
        own_words: OwnWordsTest | None = None,
        *,
        reads: bool = False,
    ) -> None:
        self.envelope = envelope
        self._test = test
        self._token_sets = token_sets
        self._membership = membership
        self._rate = rate
        self._log10_level = log10_level
        self._settings = settings
        self._own_words = own_words
        self._reads = reads
        self._verbs = verbs_of(reads=reads)
        self._name = np.array([worth(info) for info in token_sets.infos])
        self._last = np.array([is_last_resort(info) for info in token_sets.infos])
        sizes, n = membership.sizes, membership.n_tokens
        self._sets = int(np.count_nonzero(test.testable))
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
        first: int,
    ) -> list[Explanation]:
        """Return the explanation of every feature of a tile.

        Args:
            tile: of the sweep.
            statistics: of its features.
            pairs: the tile's significant pairs, their features counted from the tile's first.
            log10_density: [T] where known.
            first: the position of its first feature among those that are explained.
        """
        rate = self._rate.part(first, first + len(statistics.std))
        found = self._passing(pairs, statistics, rate)
        splits = self._splits(found, len(statistics.std))
        least = self._settings.split_variance
        dead = np.zeros(len(statistics.std), bool)
        if log10_density is not None:
            dead = log10_density < self._settings.dead_below
        classes = classify(
            statistics, self.envelope, dead=dead,
            splits=np.array([split is not None and split[1] >= least for split in splits]),
        )  # fmt: skip
        candidates, pursuit = self._pursuit(found, classes, splits)
        chosen = pursuit.chosen
        parts, others = self._parts(pursuit), self._rejected(candidates, pursuit)
        explained = self._explained(tile, chosen)
        covered_top, covered_bottom = (
            found.telling.covered(np.where(side, chosen.places, -1))
            for side in (chosen.z > 0, chosen.z < 0)
        )
        own_words = self._own(statistics, classes, parts)
        tail_tokens = fewest_tokens(statistics, self.envelope, self._membership.n_tokens)
        return [
            Explanation(
                str(classes[at]),
                self._label(
                    str(classes[at]), parts[at], splits[at], rate.log10_q[at],
                    statistics.top_ids[at], statistics.bottom_ids[at], own_words[at],
                ),
                float(statistics.left_tail[at]), float(statistics.right_tail[at]),
                parts[at], others[at], splits[at], explained[at],
                covered_top[at], covered_bottom[at],
                _known(rate.log10_p[at]), _known(rate.log10_q[at]), own_words[at],
                (tail_tokens[0][at], tail_tokens[1][at]),
            )
            for at in range(len(classes))
        ]  # fmt: skip

    def _passing(self, pairs: Pairs, statistics: FeatureStatistics, rate: FeatureRate) -> _Passing:
        """Those pairs that pass among all of the bank, or in their feature, and what each says."""
        max_q = self._settings.max_q
        threshold = thresholds(
            pairs.feature, pairs.log10_p, len(statistics.std), rate.sets, self._log10_level
        )
        threshold[~rate.chosen(max_q)] = -np.inf
        in_feature = pairs.log10_p <= threshold[pairs.feature]
        passing = in_feature | (pairs.log10_q <= np.float32(np.log10(max_q)))
        feature, token_set = pairs.feature[passing], pairs.token_set[passing]
        z = pairs.z[passing]
        variance = z.astype(np.float64) ** 2 * self._r2[token_set]
        telling = self._telling(Outermost.of(statistics), feature, token_set, z)
        slight = (telling.counts < self._settings.least_tokens) & (
            variance < self._settings.least_variance
        )
        chance = ~in_feature[passing]
        return _Passing(feature, token_set, z, variance, slight, chance, threshold, telling)

    def _telling(
        self, outermost: Outermost, feature: I64, token_set: I64, z: npt.NDArray[np.float32]
    ) -> Telling:
        """What naming sets tells of the outermost tokens of features, on the side of z."""
        row = outermost.row(feature, z > 0)
        held = outermost.held(row, token_set, self._token_sets.indptr, self._token_sets.ids)
        return Telling(
            outermost, row, held, self._membership.sizes[token_set], self._name[token_set],
            self._membership.n_tokens, self._sets,
        )  # fmt: skip

    def _splits(self, pairs: _Passing, n_features: int) -> list[tuple[int, float] | None]:
        """The broad set that explains most of each feature's variance.

        One that is a last resort splits only where no other does.
        """
        found: list[tuple[int, float] | None] = [None] * n_features
        broad = np.flatnonzero(self._broad[pairs.token_set] & ~pairs.chance)
        variance, last = pairs.variance[broad], self._last[pairs.token_set[broad]]
        enough = variance >= self._settings.split_variance
        for at in broad[np.lexsort((variance, ~last & enough, enough))]:
            found[pairs.feature[at]] = (int(pairs.token_set[at]), float(pairs.variance[at]))
        return found

    def _pursuit(
        self,
        pairs: _Passing,
        classes: npt.NDArray[np.str_],
        splits: list[tuple[int, float] | None],
    ) -> tuple[Candidates, Pursuit]:
        """Choose the parts of every feature; what splits a partition is the first of its parts.

        A last resort says nothing of a heavy tail from its other end.
        """
        last = self._last[pairs.token_set]
        elsewhere = (
            np.array([ONE_TAIL.get(name, 0) for name in classes])[pairs.feature] * pairs.z < 0
        )
        found = Candidates(
            len(classes), pairs.feature, pairs.token_set, pairs.z.astype(np.float64),
            pairs.variance, pairs.slight | (last & elsewhere), pairs.chance, last,
            pairs.telling, partial(correlations, self._test.coordinates), self._within,
        )  # fmt: skip
        test = self._test
        chosen = Chosen(found, pairs.threshold, test.log10_p_of_sets, test.log10_p_of)
        pursuit = Pursuit(found, chosen, self._settings)
        splitting = np.array([split[0] if split else -1 for split in splits])
        splitting[classes != "partition"] = -1
        pursuit.fix(np.flatnonzero(pairs.token_set == splitting[pairs.feature]))
        pursuit.settle()
        return found, pursuit

    def _within(self, token_set: I64, other: I64) -> npt.NDArray[np.bool_]:
        """Return whether sets lie within others."""
        return within(token_set, other, self._token_sets.indptr, self._token_sets.ids)

    def _parts(self, pursuit: Pursuit) -> list[list[Part]]:
        """The parts of each feature."""
        chosen = pursuit.chosen
        features, place = np.nonzero(chosen.places >= 0)
        token_sets, z, left, log10_p = (
            of[features, place] for of in (chosen.token_sets, chosen.z, chosen.left, chosen.log10_p)
        )
        alone = chosen.counts[features] == 1
        log10_p[alone] = self._test.log10_p_of_sets(token_sets[alone], z[alone])
        whole = pursuit.wholes()[features, place]
        core_of = whole.astype(object)
        core_of[whole < 0] = None
        columns = (token_sets, z, left, log10_p, core_of)
        return _by_feature(Part, features, columns, len(chosen.places))

    def _rejected(self, found: Candidates, pursuit: Pursuit) -> list[list[Rejection]]:
        """The strongest significant sets of each feature that are no parts of its label."""
        others = rejected(found, pursuit, _N_REJECTED)
        columns = (
            found.token_set[others.candidate], found.z[others.candidate], others.reason,
            found.token_set[others.by], others.z,
        )  # fmt: skip
        return _by_feature(Rejection, found.feature[others.candidate], columns, found.n_features)

    def _explained(self, tile: Tile, chosen: Chosen) -> list[Explained | None]:
        """What the parts of each feature explain of variance and kurtosis; None without parts."""
        explained: list[Explained | None] = [None] * len(chosen.places)
        named = np.flatnonzero(chosen.counts)
        sums = cell_sums(
            tile.z, named, chosen.token_sets[named],
            self._membership.indptr, self._membership.rows,
        )  # fmt: skip
        for at, of in zip(named, regress(sums), strict=True):
            explained[at] = of
        return explained

    def _own(
        self,
        statistics: FeatureStatistics,
        classes: npt.NDArray[np.str_],
        parts: Sequence[Sequence[Part]],
    ) -> list[Ends]:
        """The words of features that no set is named of."""
        if self._own_words is None:
            return [NOT_ASKED] * len(classes)
        return self._own_words.read(statistics, classes, np.array([not of for of in parts]))

    def _label(
        self,
        feature_class: str,
        parts: list[Part],
        split: tuple[int, float] | None,
        log10_q: float,
        top: npt.NDArray[np.int32],
        bottom: npt.NDArray[np.int32],
        own_words: Ends,
    ) -> str:
        if feature_class == "flat":
            return "reads nothing" if self._reads else "writes nothing"
        infos = self._token_sets.infos
        splitting = feature_class == "partition" and split is not None
        named = parts[1 if splitting else 0 :]
        if not parts:
            return own_label(own_words, self._verbs) or wording.no_label(
                self._texts(top), self._texts(bottom), feature_class,
                as_random=own_words != NOT_ASKED or feature_class == "diffuse",
            )  # fmt: skip
        side = ONE_TAIL.get(feature_class, 0)
        untold = bool(side) and all(part.z * side < 0 for part in parts)
        return wording.label(
            [
                wording.Named(infos[part.token_set], part.z, self._info(part.core_of))
                for part in named
            ],
            (infos[split[0]], split[1]) if splitting and split else None,
            float(log10_q),
            self._texts(top if side > 0 else bottom) if untold else (),
            self._verbs,
        )

    def _info(self, number: int | None) -> SetInfo | None:
        return None if number is None else self._token_sets.infos[number]

    def _texts(self, ids: npt.NDArray[np.int32]) -> list[str]:
        texts = self._token_sets.vocabulary.texts
        return [quoted(texts[token]) for token in ids[:_N_TOKENS].tolist()]


def _known(value: np.float32) -> float | None:
    """Return a number, None for NaN."""
    return None if np.isnan(value) else float(value)


def _by_feature(
    kind: Callable[..., Row], features: I64, columns: Sequence[npt.NDArray[Any]], count: int
) -> list[list[Row]]:
    """Return the rows that columns make, in a list for each feature."""
    rows: list[list[Row]] = [[] for _ in range(count)]
    for feature, *values in zip(features.tolist(), *(c.tolist() for c in columns), strict=True):
        rows[feature].append(kind(*values))
    return rows
