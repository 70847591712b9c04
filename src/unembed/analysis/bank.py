"""One bank against a run's token sets: what must be known of it before a feature is read."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from unembed.analysis.sets import RunSets
from unembed.enrichment.bank import BankEnrichment, Tsea
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.directions import DirectionTest
from unembed.enrichment.discovery_rate import DiscoveryRate, threshold
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.token_null import TokenNull
from unembed.explanation import Envelope, Explainer
from unembed.features import Features
from unembed.progress import Report
from unembed.store import enrichment as store
from unembed.store.kept import keep, kept
from unembed.sweep import Sweep

_TESTED_AT_ONCE = 2048


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

    def test(self, report: Report) -> DiscoveryRate:
        """Test every pair: before that, the q-value of none is known."""
        tests, rate = (
            self._folder / path(self._bank.name) for path in (store.tests_path, store.rate_path)
        )
        keep([tests], lambda: store.write_tests(tests, self.direction_test))
        return kept(
            [rate],
            lambda: store.write_rate(rate, self._counted(report)),
            lambda: store.read_rate([rate]),
        )

    def simulate(self, report: Report) -> SimulatedNull:
        """Sweep random directions like the bank's: only then is a feature told from them."""
        settings = self._sets.settings
        membership = self._sets.membership if settings.tsea else None

        def make() -> None:
            null = simulate(
                self.direction_test, membership, settings.directions, settings.seed,
                settings.weight, report,
            )  # fmt: skip
            store.write_null(self._folder, self._bank.name, null)

        tables = [self._folder / path for path in store.null_paths(self._bank.name)]
        found = kept(tables, make, lambda: store.read_null(self._folder, self._bank.name))
        assert found is not None  # it was there, or was just made
        return found

    def readers(
        self, rate: DiscoveryRate, null: SimulatedNull, tokens: TokenNull | None
    ) -> tuple[BankEnrichment, Explainer]:
        """Return what reads the tiles of the bank's features."""
        sets, curve = self._sets, rate.curve()
        tsea = Tsea(sets.membership, null, tokens) if sets.settings.tsea else None
        explainer = Explainer(
            self.direction_test, sets.token_sets, sets.membership,
            Envelope.of(null, sets.explanation.envelope),
            threshold(curve, min(sets.settings.max_q, sets.explanation.max_q)), sets.explanation,
        )  # fmt: skip
        return BankEnrichment(self.direction_test, curve, sets.settings, tsea), explainer

    def _counted(self, report: Report) -> DiscoveryRate:
        """Test every pair of the bank, and count the p-values."""
        rate, test, W_dec = DiscoveryRate(), self.direction_test, self._bank.W_dec
        for start in range(0, len(W_dec), _TESTED_AT_ONCE):
            report(start, len(W_dec))
            rows = self._sweep.standardised(W_dec[start : start + _TESTED_AT_ONCE])
            rate.add(test.log10_p(test.z(rows.scaled[rows.std > 0])), test.testable)
        report(len(W_dec), len(W_dec))
        return rate
