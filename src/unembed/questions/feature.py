"""One feature: its statistics, tokens at both ends, its token sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from unembed import questions
from unembed.questions import neuronpedia
from unembed.questions.features import IDENTITY, OF_ENDS, SPLIT, STATISTICS
from unembed.questions.lenses import lens_facts, other_lenses, read_facts
from unembed.questions.pairs import strongest_pairs
from unembed.questions.same_label import apart_of
from unembed.questions.steering import steering_facts
from unembed.store.tables import RunTables

_ENDS = ("top", "bottom")
N_SETS = 20
"""Token sets that are told of, significant or not."""


def feature_row(run: RunTables, address: str) -> dict[str, Any]:
    """Return a feature's row of `run.features`, with `top_tokens` and `bottom_tokens` as text.

    Raises:
        QueryError: when the run has no such feature.
    """
    return run.row(run.row_of(address))


def feature_facts(run: RunTables, address: str) -> dict[str, Any]:
    """Return what `unembed show --json` prints of a feature: its own facts and its token sets.

    All columns of every frame of features (`questions.features.COLUMNS`), and what is known of one.

    Raises:
        QueryError: when the run has no such feature.
    """
    facts = own_facts(run, address)
    listed = {
        f"{end}_{name}s": [token[name] for token in facts[end]]
        for end in _ENDS
        for name in ("token", "weight")
    }
    steered = steering_facts(run, address)
    return {**facts, **listed, "token_sets": _sets(run, address), "steering": steered}


def own_facts(run: RunTables, address: str) -> dict[str, Any]:
    """Return what a feature is, without its token sets.

    Its address, class, label and statistics; `collision`, what sets it apart from others of its
    label (`questions.same_label`); `beside`, what Neuronpedia says of it, where that was fetched
    (`neuronpedia.beside_of`); the model and the hook; `folded`, whether the final norm is in W_U;
    `through`, what is known of its layer lens; `reads`, of which part of the feature it is, where
    it is what the feature reads; `other_lenses`, the same feature through the run's other lenses
    and by its other side; `sides`, how far what it reads and what it writes agree
    (`questions.sides`); the steps to the residual stream; percentiles of the feature among all of
    its bank, by each statistic; `top` and `bottom`, each token with its id; the histogram.

    Raises:
        QueryError: when the run has no such feature.
    """
    row = feature_row(run, address)
    bank = run.manifest.bank(row["bank"])
    scalars = run.scalars.slice(run.manifest.first_rows[bank.name], bank.features)
    known = bank.neuronpedia
    return {
        **{name: row[name] for name in IDENTITY},
        "model": run.model,
        "folded": run.manifest.unembedding.is_folded,
        "through": lens_facts(bank),
        "reads": read_facts(bank),
        "other_lenses": other_lenses(run, address),
        "hook": bank.hook,
        "steps": bank.steps,
        "neuronpedia": neuronpedia.page(known, row["index"]) if known else None,
        **{name: row[name] for name in STATISTICS},
        "class": row["class"],
        "label": row["label"],
        "collision": apart_of(run, address),
        "sides": _sides(run, address),
        "beside": neuronpedia.beside_of(run, address),
        **{name: row[name] for name in (*SPLIT, *OF_ENDS)},
        "percentiles": {
            name: _percentile(scalars[name], row[name]) for name in ("std", "skewness", "kurtosis")
        },
        **{end: _tokens(row, end) for end in _ENDS},
        "histogram": row["histogram"],
    }


def _sides(run: RunTables, address: str) -> list[dict[str, Any]]:
    """Return how what the feature reads and writes agree; nothing in a run of one side."""
    if len(run.manifest.sides) < 2:
        return []
    return questions.sides_of(run, address)


def _sets(run: RunTables, address: str) -> list[dict[str, Any]] | None:
    """Return the token sets that the feature moves most, None in a run without any."""
    if not run.has_enrichment:
        return None
    found = strongest_pairs(run, address, N_SETS)
    return found.drop("feature", "bank", "index").to_dicts()


def _percentile(column: pl.Series, value: float | None) -> float | None:
    if value is None:
        return None
    known = column.drop_nulls().to_numpy()
    below, equal = np.count_nonzero(known < value), np.count_nonzero(known == value)
    return round(100 * (below + equal / 2) / len(known), 2)


def _tokens(row: dict[str, Any], end: str) -> list[dict[str, Any]]:
    columns = (row[f"{end}_ids"], row[f"{end}_tokens"], row[f"{end}_weights"])
    if columns[0] is None:
        return []
    return [
        {"id": index, "token": text, "weight": weight}
        for index, text, weight in zip(*columns, strict=True)
    ]
