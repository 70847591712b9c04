"""A run at a glance: the spread of each bank, and the features to look at first."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from unembed.questions.banks import classes_by_bank, enriched_by_bank, spread_by_bank
from unembed.questions.exam import label_exam
from unembed.questions.features import list_features
from unembed.questions.lens_truth import lens_check
from unembed.questions.lenses import compare_lenses
from unembed.questions.pairs import list_pairs
from unembed.store.tables import RunTables


def overview(run: RunTables, *, n_features: int = 10) -> dict[str, Any]:
    """Return the summary as data: `--json` of `unembed run` and `unembed demo`."""
    unembedding = run.manifest.unembedding
    return {
        "run": run.place,
        "model": run.model,
        "tokens": unembedding.tokens,
        "lens": unembedding.lens,
        "folded": unembedding.is_folded,
        "lenses": compare_lenses(run).to_dicts() if run.is_explained else None,
        "lens_check": _lens_check(run),
        "banks": banks_at_a_glance(run).to_dicts(),
        "classes": classes_of_banks(run).to_dicts() if run.is_explained else None,
        "label_exam": label_exam(run).to_dicts() if run.is_explained else None,
        "prediction": extreme(run, "right", n_features).to_dicts(),
        "suppression": extreme(run, "left", n_features).to_dicts(),
        "enrichment": _enrichment(run) if run.has_enrichment else None,
    }


def _lens_check(run: RunTables) -> list[dict[str, Any]] | None:
    found = lens_check(run)
    return None if found is None else found.to_dicts()


def _enrichment(run: RunTables) -> dict[str, Any]:
    return {
        "token_sets": run.tested.token_sets,
        **run.discoveries,
        "banks": enriched_by_bank(run).to_dicts(),
        "strongest": strongest_sets(run, 10).to_dicts(),
    }


def banks_at_a_glance(run: RunTables) -> pl.DataFrame:
    """Return one row a bank: how its features' std, skewness and kurtosis spread.

    Columns: bank, features, flat (features that write nothing), median std, the 1st, 50th and
    99th percentile of skewness, the median, 99th percentile and maximum of kurtosis.
    """
    spread = spread_by_bank(run).select(
        "bank", "features", "flat",
        std_median="std_p50",
        skewness_p1="skewness_p1", skewness_median="skewness_p50", skewness_p99="skewness_p99",
        kurtosis_median="kurtosis_p50", kurtosis_p99="kurtosis_p99", kurtosis_max="kurtosis_max",
    )  # fmt: skip
    banks = pl.DataFrame({"bank": run.banks})
    return banks.join(spread, on="bank", how="left", maintain_order="left")


def classes_of_banks(run: RunTables) -> pl.DataFrame:
    """Return one row a bank: how many of its features are of each class, and have a label.

    Columns: bank, each of `explanation.CLASSES`, labelled (at least one token set is named).

    Raises:
        QueryError: when the run's features have no classes.
    """
    counts = classes_by_bank(run).pivot("class", index="bank", values="features")
    assert run.explanations is not None
    named = run.scalars.select("bank").with_columns(run.explanations.labelled)
    labelled = named.group_by("bank").agg(pl.col("labelled").sum())
    return counts.join(labelled, on="bank", maintain_order="left")


def strongest_sets(run: RunTables, limit: int) -> pl.DataFrame:
    """Return the strongest pairs of each bank, bank after bank, each feature and set once.

    Args:
        run: the run.
        limit: how many, shared evenly by the banks; at least one of each.
    """
    share = max(1, limit // len(run.banks))
    pairs = list_pairs(run)
    return pl.concat(
        pairs.filter(bank=bank)
        .unique("feature", keep="first", maintain_order=True)
        .unique("token_set", keep="first", maintain_order=True)
        .head(share)
        for bank in run.banks
    )


def extreme(run: RunTables, tail: Literal["left", "right"], limit: int) -> pl.DataFrame:
    """Return each bank's features with the heaviest tails on one side, bank after bank.

    Layers differ so much in their tails that over all banks the last one would fill the list.

    Args:
        run: the run.
        tail: `right` (skewness above 0: prediction) or `left` (below 0: suppression).
        limit: how many, shared evenly by the banks; at least one of each.
    """
    share = max(1, limit // len(run.banks))
    where = "skewness > 0" if tail == "right" else "skewness < 0"
    return pl.concat(
        list_features(run, bank=bank, where=where, sort="kurtosis", limit=share)
        for bank in run.banks
    )
