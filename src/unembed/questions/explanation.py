"""The case for one feature's class and label: evidence, and what was rejected."""

from __future__ import annotations

from typing import Any

from unembed.explanation.settings import N_OUTERMOST
from unembed.questions.banks import require_classes
from unembed.questions.feature import feature_row
from unembed.questions.features import IDENTITY
from unembed.questions.neuronpedia import beside_of
from unembed.questions.same_label import apart_of
from unembed.questions.steering import steering_facts
from unembed.store.tables import RunTables

_STATISTICS = ("std", "skewness", "kurtosis", "log10_density")
_SCORES = (
    *("log10_p", "log10_q", "z_without_one", "z_without_two", "rests_on"),
    *("es", "peak", "auroc"),
)


def explain(run: RunTables, address: str) -> dict[str, Any]:
    """Return what is known of one feature's class and label (see `Run.explain`).

    Raises:
        QueryError: when the run has no such feature, or was made without token sets.
    """
    row = run.row_of(address)
    run.require_sets()
    require_classes(run)
    assert run.explanations is not None
    return run.explanations.case(row)


def case(run: RunTables, address: str) -> dict[str, Any]:
    """Return `explain` with the scores of the parts, and what decided.

    `outermost`: of how many tokens at either end `covered_top` and `covered_bottom` are shares;
    `settings`: where classes were cut.

    Raises:
        QueryError: when the run has no such feature, or no token sets.
    """
    found = explain(run, address)
    numbers = [run.sets.number(part["token_set"]) for part in found["parts"]]
    pairs = run.scores.of_feature(*run.place_of(run.row_of(address)), numbers)
    names = [part["token_set"] for part in found["parts"]]
    scores = dict(zip(names, pairs.iter_rows(named=True), strict=True))
    parts = [
        {**part, "given_the_others_log10_p": part["log10_p"]}
        | {name: scores[part["token_set"]][name] for name in _SCORES}
        for part in found["parts"]
    ]
    settings = run.tested.explanation
    return {
        **found,
        "parts": parts,
        "outermost": min(run.manifest.settings.top_k, N_OUTERMOST),
        "settings": settings.facts if settings else None,
    }


def explanation_facts(run: RunTables, address: str) -> dict[str, Any]:
    """Return what `unembed explain --json` prints, but for what is read from the weights.

    Args:
        run: with token sets.
        address: `bank/index`.

    Raises:
        QueryError: when the run has no such feature, or no token sets.
    """
    row = feature_row(run, address)
    return {
        **{name: row[name] for name in (*IDENTITY, *_STATISTICS)},
        **case(run, address),
        "collision": apart_of(run, address),
        "beside": beside_of(run, address),
        "steering": steering_facts(run, address),
        "top_tokens": row["top_tokens"],
        "bottom_tokens": row["bottom_tokens"],
    }
