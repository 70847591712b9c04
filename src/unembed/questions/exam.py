"""How often a label picks its feature out of ten of its class and bank, by weights alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.explanation import CLASSES, decoys
from unembed.explanation.decoys import DECOYS
from unembed.questions.labels import labels
from unembed.store.tables import RunTables

F64 = npt.NDArray[np.float64]

CHANCE = 1 / (1 + DECOYS)
MOST_ASKED = 2000
"""Labels of a bank that are asked, at most: the rate's standard error is then 1 % or less."""
COLUMNS: dict[str, pl.DataType] = {
    "bank": pl.String(),
    "labelled": pl.Int64(),
    "asked": pl.Int64(),
    "picked": pl.Float64(),
    "rate": pl.Float64(),
    "too_few": pl.List(pl.String()),
}


def label_exam(run: RunTables) -> pl.DataFrame:
    """Return one row a bank: how often its labels pick their feature out of ten.

    The other nine have a label too, of the same class. Chance is one in ten.

    Columns: bank; labelled, how many features have a label; asked, of how many of them, at most
    2,000 drawn at random; picked, how many were, those that share the first place by parts; rate,
    their share, null where none is asked; too_few, the classes with a labelled feature but less
    than ten, whose labels are not asked.

    Raises:
        QueryError: when the run's features have no classes.
    """
    known = labels(run)
    rows = [_of_bank(run, bank, known.filter(pl.col("bank") == bank)) for bank in run.banks]
    return pl.DataFrame(rows, schema=COLUMNS)


def _of_bank(run: RunTables, bank: str, labelled: pl.DataFrame) -> dict[str, Any]:
    sizes = dict(labelled.group_by("class").len().rows())
    too_few = [name for name in CLASSES if 0 < sizes.get(name, 0) <= DECOYS]
    fit = labelled.filter(~pl.col("class").is_in(too_few))
    chosen = decoys.drawn(bank, fit["index"].to_numpy(), MOST_ASKED)
    asked = fit.with_columns(asked=pl.Series(np.isin(np.arange(fit.height), chosen)))
    points = [
        decoys.points(_fits(run, bank, of_class))
        for _, of_class in asked.group_by("class", maintain_order=True)
        if of_class["asked"].any()
    ]
    picked = float(sum(each.sum() for each in points))
    return {
        "bank": bank,
        "labelled": labelled.height,
        "asked": len(chosen),
        "picked": picked if len(chosen) else None,
        "rate": picked / len(chosen) if len(chosen) else None,
        "too_few": too_few,
    }


def _fits(run: RunTables, bank: str, of_class: pl.DataFrame) -> F64:
    """Return [A, 10] how well each feature that is asked for, and nine others, fit its label."""
    own = np.flatnonzero(of_class["asked"].to_numpy())
    lineup = decoys.lineup(bank, of_class["index"].to_numpy(), own)
    position = of_class["row"].to_numpy() - run.manifest.first_rows[bank]
    named = of_class[own].select("sets", "signs").with_row_index("label").explode("sets", "signs")
    label = named["label"].to_numpy().astype(np.int64)
    token_set = named["sets"].to_numpy().astype(np.int64)
    asked = position[lineup][label]
    z = run.scores.z_of_pairs(bank, asked.ravel(), np.repeat(token_set, 1 + DECOYS))
    signs = named["signs"].to_numpy().astype(np.int64)
    return decoys.fits(z.reshape(asked.shape).astype(np.float64), signs, label, len(own))
