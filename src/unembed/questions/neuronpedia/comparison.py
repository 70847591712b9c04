"""Do an explanation and a label speak of the same tokens?

Both say what a feature is about, and know nothing of each other: an explanation is read from texts
that it fires on, a label from the weights that it writes with. They agree where a word of the
explanation that carries content (`content`) is, in one of its forms, a word of a token in a set
that the label names, one of the outermost tokens, or a word of the label itself (`spoken.WAYS`).
How much of that is chance is told by the same explanations, dealt out anew among the features of
the bank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from unembed.errors import QueryError, listed
from unembed.questions.banks import require_classes
from unembed.questions.neuronpedia.explained import COLUMNS, STATES, Bools, Explained
from unembed.questions.neuronpedia.shuffles import Dealing, chances
from unembed.questions.neuronpedia.spoken import WAYS
from unembed.store.neuronpedia import read_beside
from unembed.store.tables import RunTables

__all__ = ["COLUMNS", "SHUFFLES", "STATES", "TABLE", "agreement", "agreement_of", "agreements"]

SHUFFLES = 999
TABLE: dict[str, pl.DataType] = {
    "bank": pl.String(),
    "class": pl.String(),
    "explainer": pl.String(),
    "labelled_only": pl.Boolean(),
    "features": pl.Int64(),
    "agreeing": pl.Int64(),
    "share": pl.Float64(),
    "chance": pl.Float64(),
    "p": pl.Float64(),
    **{f"by_{way}": pl.Float64() for way in WAYS},
}
"""By bank and class (null: all classes), of all features that have an explanation, and of those
alone whose label says something: how many there are, how many agree, and what share that is; the
share to be expected of explanations dealt out anew, and the chance that of those as many agree; and
the share that agrees in each of `WAYS`."""


def agreements(
    run: RunTables,
    bank: str | Sequence[str] | None = None,
    *,
    explainer: str | None = None,
) -> pl.DataFrame:
    """Return of each feature that was fetched whether its explanation and label agree (`COLUMNS`).

    Args:
        run: with token sets, and with explanations that were fetched.
        bank: only these banks.
        explainer: whose explanations count, such as `gpt-4o-mini`; of each bank those that most of
            its features have, if None.

    Raises:
        QueryError: when nothing was fetched, or a bank or an explainer is not known.
    """
    return pl.concat([found.frame() for found in _banks(run, bank, explainer)])


def agreement(
    run: RunTables,
    bank: str | Sequence[str] | None = None,
    *,
    explainer: str | None = None,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> pl.DataFrame:
    """Return how often explanations and labels agree, by bank and class, against chance (`TABLE`).

    p = (1 + shuffles in which as many agree) / (1 + shuffles): the explanations of a bank are dealt
    out anew among its explained features, so that each feature keeps its tokens and each
    explanation its words. It is one-sided, and its least value is 1 / (1 + shuffles).

    Args:
        run: as for `agreements`.
        bank: likewise.
        explainer: likewise.
        shuffles: how often explanations are dealt out.
        seed: decides how.

    Raises:
        QueryError: as `agreements` does; for less than one shuffle.
    """
    if shuffles < 1:
        raise QueryError(f"A p-value takes at least 1 shuffle, not {shuffles}.")
    found = _banks(run, bank, explainer)
    rows = [row for each in found for row in _rows(each, shuffles, seed)]
    return pl.DataFrame(rows, schema=TABLE)


def agreement_of(run: RunTables, row: int) -> dict[str, Any]:
    """Return the row of `agreements` of one feature whose explanations were asked for.

    Args:
        run: as for `agreements`.
        row: the feature's place in the run.
    """
    bank, _ = run.place_of(row)
    kept = read_beside(run.path, run.manifest, bank)
    assert kept is not None
    return Explained(run, bank, kept, None, only=row).frame().row(0, named=True)


def _banks(
    run: RunTables, bank: str | Sequence[str] | None, explainer: str | None
) -> list[Explained]:
    require_classes(run)
    names = run.banks_named(bank)
    kept = {name: read_beside(run.path, run.manifest, name) for name in names}
    found = [
        Explained(run, name, beside, explainer)
        for name, beside in kept.items()
        if beside is not None and beside.features["has_explanations"].any()
    ]
    if not found:
        raise QueryError(
            f"No explanations were fetched of {listed(names)}. Fetch them first: unembed "
            f"neuronpedia fetch {run.place}."
        )
    return found


def _rows(found: Explained, shuffles: int, seed: int) -> Iterator[dict[str, object]]:
    """Yield `TABLE` of a bank: all of it first, then its classes."""
    count = len(found.own)
    ways = {way: found.agreeing(found.spoken[way]) for way in WAYS}
    agrees = found.agreeing(found.any_way)
    chance = chances(found.said.words, found.any_way)
    dealing = Dealing(found.said.words, found.any_way)
    random = np.random.default_rng(seed)
    dealt = np.stack([dealing.agreeing(random.permutation(count)) for _ in range(shuffles)])
    speaks = found.explained["speaks"].to_numpy()
    classes = found.explained["class"]
    for name in (None, *classes.unique().sort()):
        of_class = np.ones(count, np.bool_) if name is None else (classes == name).to_numpy()
        for labelled, within in ((False, of_class), (True, of_class & speaks)):
            yield {
                "bank": found.bank,
                "class": name,
                "explainer": found.explainer,
                "labelled_only": labelled,
                "features": int(within.sum()),
                "agreeing": int(agrees[within].sum()),
                "share": _mean(agrees[within]),
                "chance": _mean(chance[within]),
                "p": _p(agrees[within], dealt[:, within]),
                **{f"by_{way}": _mean(ways[way][within]) for way in WAYS},
            }


def _p(agrees: Bools, dealt: Bools) -> float | None:
    if not len(agrees):
        return None
    as_many = int((dealt.sum(1) >= agrees.sum()).sum())
    return (1 + as_many) / (1 + len(dealt))


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
