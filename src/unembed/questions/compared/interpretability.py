"""Which of several dictionaries is more interpretable: one row a bank, beside random decoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from unembed.errors import QueryError
from unembed.matching.settings import DIRECTIONS
from unembed.progress import Progress, silent
from unembed.questions.banks import require_classes
from unembed.questions.compared.banks import Dictionary
from unembed.questions.compared.features import labels_of
from unembed.questions.compared.labels import agreement
from unembed.questions.compared.pair import matched
from unembed.questions.compared.settings import By
from unembed.questions.compared.spaces import choose, why_not
from unembed.questions.labels import labels
from unembed.questions.lenses import UNSHAPED
from unembed.store.tables import RunTables

OF_RUN = ("labelled", "shaped", "variance_named", "labels", "duplicates")
"""What a run alone says of a bank."""
AGREEMENT = ("again", "again_random", "same_label", "same_label_shuffled")
COLUMNS: dict[str, pl.DataType] = {
    "name": pl.String(),
    "run": pl.String(),
    "bank": pl.String(),
    "layer": pl.Int64(),
    "lens": pl.String(),
    "features": pl.Int64(),
    "flat": pl.Int64(),
    "labelled": pl.Float64(),
    "labelled_random": pl.Float64(),
    "shaped": pl.Float64(),
    "shaped_random": pl.Float64(),
    "variance_named": pl.Float64(),
    "variance_named_random": pl.Float64(),
    "labels": pl.Int64(),
    "labels_random": pl.Int64(),
    "duplicates": pl.Float64(),
    "duplicates_random": pl.Float64(),
    "others": pl.Int64(),
    "again": pl.Float64(),
    "again_random": pl.Float64(),
    "same_label": pl.Float64(),
    "same_label_shuffled": pl.Float64(),
}
"""The bank, by its name among those compared; its features, and how many are flat. Shares of those
that are not: labelled, with a label that names a set; shaped, with a heavy tail or a partition;
variance_named, the share of the logit weights' variance that labels name, on average, with 0 for a
feature without one. How many labels there are, and which share of labelled features carry one that
another carries already. others, with how many of the other dictionaries the bank could be compared;
again, the share of its features that has a one-to-one match there, on average, and same_label, the
share of matched pairs whose labels agree. `…_random` is the same of a random decoder of the bank's
second moment and size; `…_shuffled`, with partners shuffled."""


def interpretability_by_bank(
    among: Sequence[Dictionary],
    *,
    controls: Mapping[str, RunTables] | None = None,
    agree: bool = True,
    by: By | None = None,
    directions: int = DIRECTIONS,
    seed: int = 0,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Return one row a dictionary: how much of it can be said, and how much others confirm.

    Args:
        among: what is compared, from `dictionaries`.
        controls: by the name of a dictionary, a run with a bank of random directions in its place
            (`analyze_random`); their columns are null without.
        agree: match every two of them that can be compared; null without.
        by: what is matched; of each two the first that can be proven, if None. Those that cannot be
            compared by it are left out of the average.
        directions: random ones that matches are held against.
        seed: decides them.
        progress: told how each match goes.

    Returns:
        `COLUMNS`.

    Raises:
        QueryError: when the features of a run have no classes.
        SourceError: when weights are not there any more, or changed.
    """
    for each in among:
        require_classes(each.run)
    rows = {each.name: _of_run(each.run, each.bank) for each in among}
    for name, control in (controls or {}).items():
        if name not in rows:
            raise QueryError(f"{name!r} has a random decoder, but is not among what is compared.")
        of_random = _of_run(control, rows[name]["bank"])
        rows[name] |= {f"{column}_random": of_random[column] for column in OF_RUN}
    if agree:
        found = _agreements(among, by, directions, seed, progress)
        for name, of_others in found.items():
            rows[name] |= _averages(of_others)
    table = [{**dict.fromkeys(COLUMNS), **rows[each.name], "name": each.name} for each in among]
    return pl.DataFrame(table, schema=COLUMNS)


def _of_run(run: RunTables, bank: str) -> dict[str, Any]:
    """Return what a run says of one of its banks."""
    assert run.explanations is not None
    facts = run.manifest.bank(bank)
    part = slice(run.manifest.first_rows[bank], run.manifest.first_rows[bank] + facts.features)
    scalars = run.scalars[part].select("skewness", "class")
    flat = int(scalars["skewness"].null_count())
    live = max(facts.features - flat, 1)
    labelled = run.explanations.labelled[part]
    named = run.explanations.variance_named[part].filter(labelled)
    known = labels(run).filter(pl.col("bank") == bank)["key"].n_unique()
    count = int(labelled.sum())
    return {
        "run": run.place,
        "bank": bank,
        "layer": facts.layer,
        "lens": run.manifest.lens_of(facts),
        "features": facts.features,
        "flat": flat,
        "labelled": count / live,
        "shaped": int((~scalars["class"].is_in(list(UNSHAPED))).sum()) / live,
        "variance_named": float(named.sum()) / live,
        "labels": known,
        "duplicates": 1 - known / count if count else None,
    }


def _agreements(
    among: Sequence[Dictionary], by: By | None, directions: int, seed: int, progress: Progress
) -> dict[str, list[dict[str, Any]]]:
    """Return of each dictionary what every other that it can be compared with says of it."""
    found: dict[str, list[dict[str, Any]]] = {each.name: [] for each in among}
    named = {each.name: labels_of(each) for each in among}
    wanted = [pair for pair in combinations(among, 2) if _can_be(*pair, by)]
    for done, (a, b) in enumerate(wanted):
        progress("Dictionaries matched", done, len(wanted))
        matches, _ = matched(a, b, choose(a, b, by), directions=directions, seed=seed)
        agreed = agreement(named[a.name], named[b.name], matches.pairs, seed)
        for of, side in ((a, matches.ours), (b, matches.theirs)):
            live = max(side.live, 1)
            shares = {"again": len(matches.pairs.z) / live, "again_random": side.random / live}
            found[of.name].append({**shares, **agreed})
    progress("Dictionaries matched", len(wanted), len(wanted))
    return found


def _can_be(a: Dictionary, b: Dictionary, by: By | None) -> bool:
    """Return whether two can be compared: not the same bank through two lenses, and by `by`."""
    if a.is_the_same_as(b):
        return False
    reasons = why_not(a, b)
    return any(reasons[each] is None for each in (reasons if by is None else (by,)))


def _averages(of_others: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means over others, of what is known of each."""
    known = {
        name: [each[name] for each in of_others if each[name] is not None] for name in AGREEMENT
    }
    means = {name: float(np.mean(values)) if values else None for name, values in known.items()}
    return {"others": len(of_others), **means}
