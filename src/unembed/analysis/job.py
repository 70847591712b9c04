"""What is to be analysed: banks, an unembedding, token sets and settings that fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unembed.analysis.independence import check_independent
from unembed.analysis.sets import RunSets
from unembed.enrichment import EnrichmentSettings, Null
from unembed.errors import UnembedError
from unembed.explanation import ExplanationSettings
from unembed.features import Features, check_size, check_width, held_against
from unembed.store import Manifest
from unembed.sweep import SweepSettings
from unembed.tokensets import TokenSets
from unembed.unembedding import Unembedding


@dataclass(frozen=True, eq=False)
class Job:
    """All that a run is made from.

    Attributes:
        unembedding: the model's.
        banks: of features, with names of their own.
        settings: of the sweep.
        sets: what features are tested against; None for their statistics alone.
        manifest: of the run.
    """

    unembedding: Unembedding
    banks: tuple[Features, ...]
    settings: SweepSettings
    sets: RunSets | None
    manifest: Manifest

    @classmethod
    def of(
        cls,
        unembedding: Unembedding,
        features: Features | Sequence[Features],
        settings: SweepSettings,
        *,
        token_sets: TokenSets | None = None,
        null: Null = "bank",
        enrichment: EnrichmentSettings | None = None,
        explanation: ExplanationSettings | None = None,
    ) -> Job:
        """Return the job that the arguments of `analyze` stand for; the settings name a device.

        Raises:
            UnembedError: as `analyze` does for what does not fit together.
        """
        banks = (features,) if isinstance(features, Features) else tuple(features)
        _check(banks, unembedding)
        sets = None
        if token_sets is not None:
            check_independent(token_sets, banks)
            sets = RunSets.of(token_sets, unembedding, banks, null, enrichment, explanation)
        manifest = Manifest.of(unembedding, banks, settings, sets.facts if sets else None)
        return cls(unembedding, banks, settings, sets, manifest)


def _check(banks: Sequence[Features], unembedding: Unembedding) -> None:
    if not banks:
        raise UnembedError("There are no features to analyse: name at least one bank.")
    for bank in banks:
        against = held_against(bank, unembedding)
        check_width(bank, against)
        check_size(bank, against)
    names = [bank.name for bank in banks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnembedError(
            f"Two banks are named {twice[0]!r}, and a feature's address is bank/index. Name "
            "one of them otherwise, as NAME=REFERENCE."
        )
