"""What Neuronpedia says of one feature, and how it fits the feature's label."""

from __future__ import annotations

from typing import Any

import polars as pl

from unembed.questions.neuronpedia.comparison import agreement_of
from unembed.store.neuronpedia import Beside, read_beside
from unembed.store.tables import RunTables


def beside_of(run: RunTables, address: str) -> dict[str, Any] | None:
    """Return what was fetched of a feature; None where nothing was.

    `source`, its `model/source` there; `density`, the share of tokens that it fires on, and
    `max_activation`; `explanations`, each with `text`, `model` and `type`, those that count for
    agreement first; `texts` that it fires on, the strongest first: `value`, of its strongest token,
    which stands at `at` in `tokens`, and `values` of all of these; `agreement`, one of
    `comparison.STATES` or None, with `by`, `words` and `chance` (`comparison.COLUMNS`). What was
    not asked for is None.

    Raises:
        QueryError: when the run has no such feature.
        RunError: when a table is damaged, or of another run.
    """
    row = run.row_of(address)
    bank, _ = run.place_of(row)
    kept = read_beside(run.path, run.manifest, bank)
    if kept is None:
        return None
    own = kept.of(run.row(row)["index"])
    if not own.features.height:
        return None
    facts = own.features.row(0, named=True)
    agrees = agreement_of(run, row) if facts["has_explanations"] and run.is_explained else None
    return {
        "source": facts["source"],
        "density": facts["density"],
        "max_activation": facts["max_activation"],
        "explanations": _explanations(own, agrees) if facts["has_explanations"] else None,
        "texts": _texts(own) if facts["has_activations"] else None,
        **{
            name: None if agrees is None else agrees[name]
            for name in ("agreement", "by", "words", "chance")
        },
    }


def _explanations(own: Beside, agrees: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the explanations, the one that counts for agreement first."""
    counting = None if agrees is None else agrees["explanation"]
    first = pl.col("text").eq_missing(pl.lit(counting, pl.String))
    return (
        own.explanations.sort(first, descending=True, maintain_order=True)
        .select("text", "model", "type")
        .to_dicts()
    )


def _texts(own: Beside) -> list[dict[str, Any]]:
    return own.activations.select("value", "at", "tokens", "values").to_dicts()
