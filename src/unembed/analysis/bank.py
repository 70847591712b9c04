"""One bank against a run's token sets: what must be known of it before a feature is read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from unembed.analysis.sets import RunSets
from unembed.enrichment.bank import BankEnrichment, Tsea
from unembed.enrichment.checks import check_test
from unembed.enrichment.claim_sample import sample_claims
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.discovery_rate import LEVELS, threshold
from unembed.enrichment.feature_rate import FeatureRate
from unembed.enrichment.passing import (
    LIKELY,
    Passing,
    count_pairs,
    find_passing,
    sets_that_pass,
)
from unembed.enrichment.permutation import count_permuted
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.smallest_p_draws import smallest_p
from unembed.enrichment.token_null import TokenNull
from unembed.explanation import Envelope, Explainer
from unembed.explanation.own_words import OwnWordsTest
from unembed.features import Features
from unembed.progress import Report, report_within
from unembed.store import enrichment as store
from unembed.store.kept import keep
from unembed.store.manifest import Manifest, Shard
from unembed.sweep import Sweep


class BankSteps:
    """The steps of one bank, each kept on disk.

    What a step needs of the ones before it is read from there. So it does not matter which program
    made it, and whatever is there already is not made again.

    Args:
        folder: of the run.
        manifest: of the run.
        at: the bank's place in the run.
        bank: whose features are tested.
        sets: of the run.
        sweep: of what the bank is held against.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, at: int, bank: Features, sets: RunSets, sweep: Sweep
    ) -> None:
        self._folder = folder
        self._shards = tuple(manifest.shards(bank.name))
        self._at = at
        self._bank = bank
        self._sets = sets
        self._over = sets.over(reads=bank.reads is not None)
        self._sweep = sweep
        self._likely: dict[Shard, Passing] = {}
        of_bank = hashlib.sha256(f"{sets.settings.seed}/{bank.name}".encode()).digest()
        self._seed = int.from_bytes(of_bank[:4], "big")
        """Another one for each bank, so that what is left to chance is not the same in all."""

    @cached_property
    def direction_test(self) -> DirectionTest:
        """The bank's direction test of every set."""
        return self._sets.direction_test(self._at, self._over, self._sweep)

    def test(self) -> None:
        """Say what the direction test of each set rests on, and how small a feature's p may be."""
        path, smallest = self._folder / store.tests_path(self._bank.name), self._smallest_null
        keep([path], lambda: store.write_tests(path, self.direction_test))

        def draw() -> None:
            store.write_smallest_null(smallest, smallest_p(self.direction_test, self._seed))

        keep([smallest], draw)

    def count(self, shards: Sequence[Shard], own: Collection[Shard], report: Report) -> None:
        """Test every pair of some shards; before those of all shards are, the q of none is known.

        Args:
            shards: whose pairs are counted.
            own: those that are read next; their pairs that are likely to pass are held till then.
            report: told how many features are done.
        """
        total, done = sum(shard.features for shard in shards), 0
        for shard in shards:
            within = report_within(report, done, total)
            keep(self._counts(shard), partial(self._count, shard, shard in own, within))
            done += shard.features
            report(done, total)

    def simulate(self, report: Report) -> None:
        """Sweep random directions like the bank's: only then is a feature told from them."""
        settings = self._sets.settings
        tables = [self._folder / path for path in store.null_paths(self._bank.name)]

        def make() -> None:
            membership, read = self._over.membership, None
            if settings.tsea == "kept":  # only a set that some feature passes with has use of ES
                strongest = store.read_strongest(self._counts(each)[1] for each in self._shards)
                read = sets_that_pass(self.direction_test, strongest, self._threshold)
            null = simulate(
                self.direction_test, membership if settings.tsea != "none" else None,
                settings.directions, self._seed, settings.weight, report, read,
                self._over.cohesion(self._sweep),
            )  # fmt: skip
            store.write_null(self._folder, self._bank.name, null)

        keep(tables, make)

    def check(self) -> None:
        """Check what the test takes for granted, and what passes when tokens change places."""
        checks = self._folder / store.checks_path(self._bank.name)
        permuted = self._folder / store.permuted_path(self._bank.name)

        def check() -> None:
            store.write_checks(checks, check_test(self.direction_test, self._bank, self._seed))

        def permute() -> None:
            features = self._features
            counted = count_permuted(
                self.direction_test.of(self._over.permuted), self._bank.W_dec,
                np.array([threshold(self._curve, level) for level in LEVELS]),
                np.array([features.largest(level) for level in LEVELS]), self._seed,
            )  # fmt: skip
            store.write_permuted(permuted, counted)

        keep([checks], check)
        keep([permuted], permute)

    def claim(self, tokens: TokenNull | None) -> None:
        """Ask of a sample of features what the classical null would claim."""
        settings, path = self._sets.settings, self._folder / store.claims_path(self._bank.name)
        if settings.tsea != "kept" or tokens is None:
            return

        def make() -> None:
            claims = sample_claims(
                self._bank.W_dec, self._sweep, self._over.membership, settings.weight, tokens,
                settings.seed,
            )  # fmt: skip
            store.write_claims(path, claims)

        keep([path], make)

    def readers(self, shard: Shard, tokens: TokenNull | None) -> tuple[BankEnrichment, Explainer]:
        """Return what reads the tiles of a shard's features, when all other steps are done."""
        sets, settings, tsea = self._sets, self._sets.settings, None
        null = self._null
        if settings.tsea != "none":
            every = settings.tsea == "all"
            tsea = Tsea(self._sweep, settings.weight, null, tokens, every)
        enrichment = BankEnrichment(
            self.direction_test, self._over.membership, self._passing(shard), self._curve,
            self._threshold, tsea,
        )  # fmt: skip
        explanation = replace(sets.explanation, max_q=min(sets.explanation.max_q, settings.max_q))
        explainer = Explainer(
            self.direction_test, sets.token_sets, self._over.membership,
            Envelope.of(null, explanation.envelope),
            self._features.part(shard.start, shard.stop),
            self._features.log10_level(explanation.max_q), explanation,
            self._own_words, reads=self._bank.reads is not None,
        )  # fmt: skip
        return enrichment, explainer

    @cached_property
    def _own_words(self) -> OwnWordsTest:
        """The test of words that no set holds."""
        vocabulary = self._over.unembedding.vocabulary
        null = self._null.cohesion.ravel()
        return OwnWordsTest(self._over.cohesion(self._sweep), null, vocabulary)

    def _counts(self, shard: Shard) -> tuple[Path, Path, Path]:
        rate, strongest, smallest = store.count_paths(shard.path)
        return self._folder / rate, self._folder / strongest, self._folder / smallest

    def _count(self, shard: Shard, held: bool, report: Report) -> None:
        max_q = max(self._sets.settings.max_q, *LEVELS)
        counted = count_pairs(self.direction_test, self._rows(shard), max_q, report)
        rate, strongest, smallest = self._counts(shard)
        store.write_rate(rate, counted.rate)
        store.write_strongest(strongest, counted.strongest)
        store.write_smallest(smallest, counted.smallest)
        if held:
            self._likely[shard] = counted.likely

    def _passing(self, shard: Shard) -> Passing:
        """Return the pairs of a shard that pass: those that were held, or found anew."""
        likely = self._likely.pop(shard, None)
        if likely is not None and self._threshold <= LIKELY:
            return likely.up_to(self._threshold)
        return find_passing(self.direction_test, self._rows(shard), self._threshold)

    @cached_property
    def _curve(self) -> npt.NDArray[np.float32]:
        """Log10 q by log10 p, over all pairs of the bank."""
        return store.read_rate(self._counts(each)[0] for each in self._shards).curve()

    @cached_property
    def _features(self) -> FeatureRate:
        """The false discovery rate of the bank's features."""
        smallest = store.read_smallest(self._counts(each)[2] for each in self._shards)
        return FeatureRate.of(smallest, store.read_smallest_null(self._smallest_null))

    @cached_property
    def _threshold(self) -> float:
        """The log10 p up to which pairs are kept."""
        return threshold(self._curve, self._sets.settings.max_q)

    @cached_property
    def _null(self) -> SimulatedNull:
        found = store.read_null(self._folder, self._bank.name)
        assert found is not None  # `simulate` made it
        return found

    @property
    def _smallest_null(self) -> Path:
        return self._folder / store.smallest_null_path(self._bank.name)

    def _rows(self, shard: Shard) -> Float[Tensor, "features d_model"]:
        return self._bank.W_dec[shard.start : shard.stop]
