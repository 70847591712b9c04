"""A run's token sets: what every bank is tested against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from unembed.enrichment import EnrichmentSettings, Null, SecondMoment
from unembed.enrichment.cohesion import WordCohesion
from unembed.enrichment.directions import DirectionTest, second_moment
from unembed.enrichment.effects import Effects, effects_of, permuted_effects, rows_of
from unembed.enrichment.token_null import TokenNull
from unembed.explanation import ExplanationSettings
from unembed.features import Features
from unembed.layer_lens import LayerLens
from unembed.progress import Report
from unembed.store.enrichment import digest
from unembed.sweep import Membership, Sweep
from unembed.tokensets import TokenSets
from unembed.tokensets.distinct import distinct_words
from unembed.unembedding import Unembedding


@dataclass(frozen=True, eq=False)
class SetsOver:
    """Token sets over the rows of one matrix.

    Attributes:
        token_sets: of its vocabulary.
        unembedding: the unembedding, or the embedding.
        seed: decides which tokens change places.
    """

    token_sets: TokenSets
    unembedding: Unembedding
    seed: int
    _cohesion: list[WordCohesion] = field(default_factory=list)

    @cached_property
    def membership(self) -> Membership:
        """Which rows each set holds.

        Raises:
            TokenSetError: when the sets are of another vocabulary.
        """
        rows, of = rows_of(self.token_sets, self.unembedding), self.unembedding
        return Membership(of.n_tokens, self.token_sets.indptr, rows, of.ties)

    @cached_property
    def effects(self) -> Effects:
        """δ of each set."""
        return effects_of(self.token_sets, self.unembedding)

    @cached_property
    def permuted(self) -> Effects:
        """δ of each set of which the tokens were permuted, all sets alike."""
        order = np.random.default_rng(self.seed).permutation(self.unembedding.n_tokens)
        return permuted_effects(self.effects, self.membership, self.unembedding, order)

    def cohesion(self, sweep: Sweep) -> WordCohesion:
        """Return what says whether words belong together, made once for all banks."""
        if not self._cohesion:
            vocabulary, ids = self.unembedding.vocabulary, self.unembedding.token_ids
            copies, firsts = self.unembedding.ties.copies
            words = distinct_words(vocabulary, (ids[copies], ids[firsts]))
            found = WordCohesion(self.unembedding, words, sweep.covariance, sweep.device)
            self._cohesion.append(found)
        return self._cohesion[0]


@dataclass(frozen=True, eq=False)
class RunSets:
    """The token sets of a run, and how its banks are tested against them.

    Attributes:
        token_sets: of the unembedding's vocabulary.
        written: the sets over W_U, for banks of what features write.
        read: over W_E, for those of what they read; None where the run has none.
        moments: what random directions of each bank are like.
        settings: how sets are tested, and what is kept.
        explanation: how features are classed and labelled.
    """

    token_sets: TokenSets
    written: SetsOver
    read: SetsOver | None
    moments: tuple[SecondMoment, ...]
    settings: EnrichmentSettings
    explanation: ExplanationSettings
    _tests: dict[SecondMoment, DirectionTest] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        token_sets: TokenSets,
        unembedding: Unembedding,
        banks: Sequence[Features],
        null: Null,
        settings: EnrichmentSettings | None,
        explanation: ExplanationSettings | None,
    ) -> RunSets:
        """Return the token sets of a run, ready to be tested.

        Raises:
            TokenSetError: when they are of another vocabulary.
        """
        settings = settings or EnrichmentSettings()
        written, read = SetsOver(token_sets, unembedding, settings.seed), None
        if any(bank.reads for bank in banks) and unembedding.embedding is not None:
            read = SetsOver(token_sets, unembedding.embedding, settings.seed)
        rows_of(token_sets, unembedding)  # or they are of another vocabulary
        return cls(
            token_sets, written, read, _moments(banks, null, unembedding), settings,
            explanation or ExplanationSettings(),
        )  # fmt: skip

    def over(self, reads: bool) -> SetsOver:
        """Return the sets over the rows that a bank of what features read, or write, is for."""
        if reads:
            assert self.read is not None  # there is a bank of what features read
            return self.read
        return self.written

    @property
    def facts(self) -> dict[str, object]:
        """What the manifest says of them."""
        return {
            "token_sets": len(self.token_sets),
            "memberships": len(self.token_sets.ids),
            "sha256": digest(self.token_sets),
            "nulls": [moment.facts for moment in self.moments],
            **self.settings.facts,
            "explanation": self.explanation.facts,
        }

    def direction_test(self, at: int, over: SetsOver, sweep: Sweep) -> DirectionTest:
        """Return the direction test of a bank; one that all banks share is made once."""
        moment = self.moments[at]
        if moment not in self._tests:
            self._tests.clear()
            self._tests[moment] = DirectionTest(sweep, over.effects, moment)
        return self._tests[moment]

    def token_null(self, report: Report) -> TokenNull | None:
        """Return the classical null of ES, None where TSEA is left out or its weight has none."""
        if self.settings.tsea == "none":
            return None
        sizes, n_tokens = self.token_sets.sizes, self.written.unembedding.n_tokens
        if self.settings.weight == "none":
            return TokenNull.unweighted(sizes, n_tokens)
        if self.settings.weight == "normal-scores":
            return TokenNull.normal_scores(sizes, n_tokens, report)
        return None


def _moments(
    banks: Sequence[Features], null: Null, unembedding: Unembedding
) -> tuple[SecondMoment, ...]:
    """Return what random directions of each bank are like: one for all that are read alike."""
    if null == "bank":
        return tuple(second_moment(null, bank, unembedding) for bank in banks)
    alike = dict[tuple[LayerLens | None, bool], SecondMoment]()
    for bank in banks:
        if _read_as(bank) not in alike:
            alike[_read_as(bank)] = second_moment(null, bank, unembedding)
    return tuple(alike[_read_as(bank)] for bank in banks)


def _read_as(bank: Features) -> tuple[LayerLens | None, bool]:
    """Return through what a bank is read, and whether against the embedding."""
    return bank.lens, bank.reads is not None
