"""A run's token sets against its banks: what must be known before a feature is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from unembed.enrichment import DirectionTest, EnrichmentSettings, Null
from unembed.enrichment.bank import BankEnrichment, Tsea
from unembed.enrichment.direction_simulation import simulate
from unembed.enrichment.directions import second_moment
from unembed.enrichment.discovery_rate import DiscoveryRate, threshold
from unembed.enrichment.effects import effects_of, rows_of
from unembed.enrichment.simulated_null import SimulatedNull
from unembed.enrichment.token_null import TokenNull
from unembed.explanation import Envelope, Explainer, ExplanationSettings
from unembed.features import Features
from unembed.store import enrichment as store
from unembed.store.shards import write_table
from unembed.sweep import Membership, Sweep
from unembed.tokensets import TokenSets
from unembed.tokensets.frame import to_frame
from unembed.unembedding import Unembedding

Progress = Callable[[str, int, int], None]
"""Called with the step, what of it is done, and how much it is in all."""

_TESTED_AT_ONCE = 2048


class Tested:
    """The token sets of a run, and what it takes to test its banks against them.

    Args:
        unembedding: of the run.
        banks: of the run.
        token_sets: of the unembedding's vocabulary.
        null: what random directions are like.
        settings: how sets are tested, and what is kept.
        explanation: how features are classed and labelled.
    """

    def __init__(
        self,
        unembedding: Unembedding,
        banks: Sequence[Features],
        token_sets: TokenSets,
        null: Null,
        settings: EnrichmentSettings,
        explanation: ExplanationSettings,
    ) -> None:
        self._unembedding = unembedding
        self._banks = banks
        self._token_sets = token_sets
        self._settings = settings
        self._explanation = explanation
        self._moments = [second_moment(null, bank, unembedding) for bank in banks]
        rows = rows_of(token_sets, unembedding)
        self._membership = Membership(unembedding.n_tokens, token_sets.indptr, rows)
        self._last: tuple[int, DirectionTest] | None = None

    @property
    def facts(self) -> dict[str, object]:
        """What the manifest says of it."""
        return {
            "token_sets": len(self._token_sets),
            "memberships": len(self._token_sets.ids),
            "sha256": store.digest(self._token_sets),
            "nulls": [moment.facts for moment in self._moments],
            **self._settings.facts,
            "explanation": self._explanation.facts,
        }

    def begin(self, folder: Path, sweep: Sweep, progress: Progress) -> None:
        """Write the token sets, and make ready for the banks."""
        self._folder, self._sweep, self._progress = folder, sweep, progress
        if not (folder / store.TOKEN_SETS).is_file():
            write_table(folder / store.TOKEN_SETS, to_frame(self._token_sets))
        self._effects = effects_of(self._token_sets, self._unembedding)
        self._tokens = self._token_null() if self._settings.tsea else None

    def readers(self, at: int) -> tuple[BankEnrichment, Explainer]:
        """Return the readers of a bank, after what must be known of the bank before it is read.

        All of its pairs must be tested before the q-value of any is known, and its random
        directions swept before a feature is told from them.
        """
        bank = self._banks[at].name
        rate = self._folder / store.rate_path(bank)
        if not rate.is_file():
            store.write_tests(self._folder / store.tests_path(bank), self._test(at))
            store.write_rate(rate, self._counted(at))
        if store.read_null(self._folder, bank) is None:
            store.write_null(self._folder, bank, self._simulated(at))
        null = store.read_null(self._folder, bank)
        assert null is not None
        tsea = Tsea(self._membership, null, self._tokens) if self._settings.tsea else None
        curve = store.read_rate([rate]).curve()
        explainer = Explainer(
            self._test(at), self._token_sets, self._membership,
            Envelope.of(null, self._explanation.envelope),
            threshold(curve, min(self._settings.max_q, self._explanation.max_q)), self._explanation,
        )  # fmt: skip
        return BankEnrichment(self._test(at), curve, self._settings, tsea), explainer

    def _token_null(self) -> TokenNull | None:
        sizes, n_tokens = self._membership.sizes, self._membership.n_tokens
        if self._settings.weight == "none":
            return TokenNull.unweighted(sizes, n_tokens)
        if self._settings.weight == "normal-scores":
            return TokenNull.normal_scores(sizes, n_tokens, partial(self._progress, "Token null"))
        return None

    def _test(self, at: int) -> DirectionTest:
        """The test of a bank; the last one is kept."""
        if self._last is None or self._last[0] != at:
            self._last = (at, DirectionTest(self._sweep, self._effects, self._moments[at]))
        return self._last[1]

    def _counted(self, at: int) -> DiscoveryRate:
        """Test every pair of a bank, and count the p-values."""
        rate, test, W_dec = DiscoveryRate(), self._test(at), self._banks[at].W_dec
        report = self._reporter("Direction test", [len(bank) for bank in self._banks], at)
        for start in range(0, len(W_dec), _TESTED_AT_ONCE):
            report(start)
            rows = self._sweep.standardised(W_dec[start : start + _TESTED_AT_ONCE])
            rate.add(test.log10_p(test.z(rows.scaled[rows.std > 0])), test.testable)
        report(len(W_dec))
        return rate

    def _simulated(self, at: int) -> SimulatedNull:
        """Sweep random directions like those of a bank."""
        settings = self._settings
        sizes = [settings.directions] * len(self._banks)
        return simulate(
            self._test(at), self._membership if settings.tsea else None, settings.directions,
            settings.seed, settings.weight,
            progress=self._reporter("Null directions", sizes, at),
        )  # fmt: skip

    def _reporter(self, step: str, sizes: Sequence[int], at: int) -> Callable[[int], None]:
        """Return what reports progress within bank `at`, of steps of these sizes."""
        before, total = sum(sizes[:at]), sum(sizes)
        return lambda done: self._progress(step, before + done, total)
