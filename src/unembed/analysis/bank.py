"""One bank against a run's token sets: what must be known of it before a feature is read."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from unembed.analysis.sets import RunSets
from unembed.enrichment.bank import BankEnrichment, Tsea
from unembed.enrichment.claim_sample import sample_claims
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.discovery_rate import LEVELS, DiscoveryRate, threshold
from unembed.enrichment.passing import LIKELY, Passing, count_pairs, find_passing
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.token_null import TokenNull
from unembed.explanation import Envelope, Explainer
from unembed.features import Features
from unembed.progress import Report
from unembed.store import enrichment as store
from unembed.store.kept import keep, kept
from unembed.sweep import Sweep


class BankSteps:
    """The steps of one bank, each kept on disk.

    Args:
        folder: of the run.
        bank: whose features are tested.
        at: its place in the run.
        sets: of the run.
        sweep: of the run.
    """

    def __init__(self, folder: Path, bank: Features, at: int, sets: RunSets, sweep: Sweep) -> None:
        self._folder = folder
        self._bank = bank
        self._at = at
        self._sets = sets
        self._sweep = sweep

    @cached_property
    def direction_test(self) -> DirectionTest:
        """The bank's direction test of every set."""
        return self._sets.direction_test(self._at, self._sweep)

    def test(self, report: Report) -> tuple[DiscoveryRate, Passing]:
        """Test every pair, and return those that pass: before that, the q-value of none is known.

        While the pairs are counted, those that are likely to pass are held; they are found again
        where the count is on disk already, or more of them pass.
        """
        tests, counted = (
            self._folder / path(self._bank.name) for path in (store.tests_path, store.rate_path)
        )
        keep([tests], lambda: store.write_tests(tests, self.direction_test))
        likely: list[Passing] = []

        def count() -> None:
            max_q = max(self._sets.settings.max_q, *LEVELS)
            rate, found = count_pairs(self.direction_test, self._bank.W_dec, max_q, report)
            store.write_rate(counted, rate)
            likely.append(found)

        rate = kept([counted], count, lambda: store.read_rate([counted]))
        most = threshold(rate.curve(), self._sets.settings.max_q)
        if not likely or most > LIKELY:
            return rate, find_passing(self.direction_test, self._bank.W_dec, most)
        return rate, likely[0].up_to(most)

    def simulate(self, passing: Passing, report: Report) -> SimulatedNull:
        """Sweep random directions like the bank's: only then is a feature told from them."""
        settings = self._sets.settings
        membership = self._sets.membership if settings.tsea != "none" else None
        read = None if settings.tsea == "all" else np.unique(passing.token_set).astype(np.int64)

        def make() -> None:
            null = simulate(
                self.direction_test, membership, settings.directions, settings.seed,
                settings.weight, report, read,
            )  # fmt: skip
            store.write_null(self._folder, self._bank.name, null)

        tables = [self._folder / path for path in store.null_paths(self._bank.name)]
        found = kept(tables, make, lambda: store.read_null(self._folder, self._bank.name))
        assert found is not None  # it was there, or was just made
        return found

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

    def readers(
        self, rate: DiscoveryRate, passing: Passing, null: SimulatedNull, tokens: TokenNull | None
    ) -> tuple[BankEnrichment, Explainer]:
        """Return what reads the tiles of the bank's features."""
        sets, curve = self._sets, rate.curve()
        settings, tsea = sets.settings, None
        if settings.tsea != "none":
            tsea = Tsea(
                self._sweep, sets.membership, settings.weight, null, tokens, settings.tsea == "all"
            )
        explainer = Explainer(
            self.direction_test, sets.token_sets, sets.membership,
            Envelope.of(null, sets.explanation.envelope),
            threshold(curve, min(settings.max_q, sets.explanation.max_q)), sets.explanation,
        )  # fmt: skip
        return BankEnrichment(self.direction_test, passing, curve, tsea), explainer
