"""One bank against a run's token sets: what must be known of it before a feature is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from unembed.analysis.sets import RunSets
from unembed.enrichment.bank import BankEnrichment, Tsea
from unembed.enrichment.claim_sample import sample_claims
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.discovery_rate import LEVELS, threshold
from unembed.enrichment.passing import (
    LIKELY,
    Passing,
    count_pairs,
    find_passing,
    sets_that_pass,
)
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.token_null import TokenNull
from unembed.explanation import Envelope, Explainer
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
        sweep: of the run.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, at: int, bank: Features, sets: RunSets, sweep: Sweep
    ) -> None:
        self._folder = folder
        self._shards = tuple(manifest.shards(bank.name))
        self._at = at
        self._bank = bank
        self._sets = sets
        self._sweep = sweep
        self._likely: dict[Shard, Passing] = {}

    @cached_property
    def direction_test(self) -> DirectionTest:
        """The bank's direction test of every set."""
        return self._sets.direction_test(self._at, self._sweep)

    def test(self) -> None:
        """Say what the direction test of each set rests on."""
        path = self._folder / store.tests_path(self._bank.name)
        keep([path], lambda: store.write_tests(path, self.direction_test))

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
            membership, read = self._sets.membership, None
            if settings.tsea == "kept":  # only a set that some feature passes with has use of ES
                strongest = store.read_strongest(self._counts(each)[1] for each in self._shards)
                read = sets_that_pass(self.direction_test, strongest, self._threshold)
            null = simulate(
                self.direction_test, membership if settings.tsea != "none" else None,
                settings.directions, settings.seed, settings.weight, report, read,
            )  # fmt: skip
            store.write_null(self._folder, self._bank.name, null)

        keep(tables, make)

    def claim(self, tokens: TokenNull | None) -> None:
        """Ask of a sample of features what the classical null would claim."""
        settings, path = self._sets.settings, self._folder / store.claims_path(self._bank.name)
        if settings.tsea != "kept" or tokens is None:
            return

        def make() -> None:
            claims = sample_claims(
                self._bank.W_dec, self._sweep, self._sets.membership, settings.weight, tokens,
                settings.seed,
            )  # fmt: skip
            store.write_claims(path, claims)

        keep([path], make)

    def readers(self, shard: Shard, tokens: TokenNull | None) -> tuple[BankEnrichment, Explainer]:
        """Return what reads the tiles of a shard's features, when all other steps are done."""
        sets, settings, tsea = self._sets, self._sets.settings, None
        null = self._null
        if settings.tsea != "none":
            tsea = Tsea(
                self._sweep, sets.membership, settings.weight, null, tokens, settings.tsea == "all"
            )
        explainer = Explainer(
            self.direction_test, sets.token_sets, sets.membership,
            Envelope.of(null, sets.explanation.envelope),
            threshold(self._curve, min(settings.max_q, sets.explanation.max_q)), sets.explanation,
        )  # fmt: skip
        passing = self._passing(shard)
        return BankEnrichment(self.direction_test, passing, self._curve, tsea), explainer

    def _counts(self, shard: Shard) -> tuple[Path, Path]:
        rate, strongest = store.count_paths(shard.path)
        return self._folder / rate, self._folder / strongest

    def _count(self, shard: Shard, held: bool, report: Report) -> None:
        max_q = max(self._sets.settings.max_q, *LEVELS)
        counted = count_pairs(self.direction_test, self._rows(shard), max_q, report)
        rate, strongest = self._counts(shard)
        store.write_rate(rate, counted.rate)
        store.write_strongest(strongest, counted.strongest)
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
    def _threshold(self) -> float:
        """The log10 p up to which pairs are kept."""
        return threshold(self._curve, self._sets.settings.max_q)

    @cached_property
    def _null(self) -> SimulatedNull:
        found = store.read_null(self._folder, self._bank.name)
        assert found is not None  # `simulate` made it
        return found

    def _rows(self, shard: Shard) -> Float[Tensor, "features d_model"]:
        return self._bank.W_dec[shard.start : shard.stop]
