"""Pairs of a feature and a token set, with their scores and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from unembed.errors import QueryError, did_you_mean
from unembed.store.enrichment import PAIR_COLUMNS
from unembed.store.scores import IDENTITY
from unembed.store.tables import RunTables

Sign = Literal["+", "-"]

SCORES = [name for name in PAIR_COLUMNS if name not in IDENTITY]
"""What is known of a pair: the direction test's z, log10_p, log10_q, and TSEA's scores."""


def list_pairs(
    run: RunTables,
    feature: str | Sequence[str] | None = None,
    *,
    token_set: str | None = None,
    family: str | Sequence[str] | None = None,
    bank: str | Sequence[str] | None = None,
    sign: Sign | None = None,
    max_q: float | None = None,
    sort: str | None = None,
    limit: int | None = None,
    tsea: bool = False,
) -> pl.DataFrame:
    """Return pairs of features and token sets with their scores, strongest first.

    Of one feature, or some, or one token set, every pair, unless max_q says otherwise; else the
    significant ones, q up to the run's own max_q. TSEA's columns are kept for those only, and null
    for others, unless they are asked for. The false discovery rate is each bank's own, over all of
    its pairs.

    Args:
        run: with token sets.
        feature: `bank/index`, or several.
        token_set: a set's name or alias.
        family: only sets of this family, or of these.
        bank: only features of this bank, or of these.
        sign: `+` promotes, `-` suppresses.
        max_q: largest q-value.
        sort: the column to sort by, in the place of z: numbers by size whatever their sign, the
            largest first, texts by the alphabet; pairs without a value last.
        limit: at most so many rows.
        tsea: read TSEA of the other pairs too, from the weights that the run was made of: of
            features that are named.

    Returns:
        feature, bank, index, token_set, family, size; z, log10_p, log10_q of the direction test,
        z_without_one, z_without_two, rests_on (what is left of it without the strongest members);
        es, peak, auroc, nes, log10_p_directions, log10_p_tokens of TSEA.

    Raises:
        QueryError: when the run has no such feature, set, family or bank, no enrichment, or an
            unknown column; when TSEA is asked for, and no feature is named.
        SourceError: when it is asked for, and the run's sources are gone, or changed.
    """
    if tsea and feature is None:
        raise QueryError(
            "TSEA of every pair is read a feature at a time: name one, or several. Of all features "
            "a run has it if it was made with --tsea all."
        )
    check_sign(sign)
    number = None if token_set is None else run.sets.number(token_set)
    families = None if family is None else run.sets.within(family)
    banks = run.banks_named(bank)
    found = _found(run, feature, number, banks).filter(pl.col("bank").is_in(banks))
    if sign is not None:
        found = found.filter(pl.col("z") > 0 if sign == "+" else pl.col("z") < 0)
    if max_q is not None:
        found = found.filter(pl.col("log10_q") <= log10_of(max_q))
    if tsea:
        from unembed.questions.tsea import with_tsea  # which opens models; most questions do not

        found = with_tsea(run, found)
    named = _named(run, found)
    if families is not None:
        named = named.filter(pl.col("family").is_in(families))
    named = named if sort is None else _sorted(named, sort)
    return named if limit is None else named.head(limit)


def strongest_pairs(run: RunTables, feature: str, most: int) -> pl.DataFrame:
    """Return `list_pairs` of one feature, of the sets that it moves most alone.

    Raises:
        QueryError: when the run has no such feature, or no enrichment.
    """
    found, _ = run.scores.strongest_pairs(*run.place_of(run.row_of(feature)), most)
    return _named(run, found)


def check_sign(sign: str | None) -> None:
    """Check that a sign is one.

    Raises:
        QueryError: when it is not.
    """
    if sign not in (None, "+", "-"):
        raise QueryError(f"The sign is + (promotes) or - (suppresses), not {sign!r}.")


def check_sort(sort: str, columns: Sequence[str]) -> None:
    """Check that a frame has the column that it is to be sorted by.

    Raises:
        QueryError: when it has not.
    """
    if sort not in columns:
        raise QueryError(
            f"There is no column {sort!r} to sort by.{did_you_mean(sort, columns)} "
            f"Columns: {', '.join(columns)}."
        )


def log10_of(max_q: float) -> float:
    """Return log10 of a largest q-value, of which 0 lets nothing pass."""
    return float(np.log10(max_q)) if max_q > 0 else -np.inf


def _found(
    run: RunTables, feature: str | Sequence[str] | None, number: int | None, banks: Sequence[str]
) -> pl.DataFrame:
    """Return pairs by number."""
    scores = run.scores
    numbers = None if number is None else [number]
    if feature is not None:
        named = [feature] if isinstance(feature, str | int) else feature
        rows = dict.fromkeys(run.row_of(each) for each in named)
        return pl.concat(scores.of_feature(*run.place_of(row), numbers) for row in rows)
    if number is not None:
        return pl.concat(scores.of_set(bank, number) for bank in banks)
    return pl.concat(scores.kept(bank) for bank in banks)


def _named(run: RunTables, found: pl.DataFrame) -> pl.DataFrame:
    """Put names in the place of numbers, the strongest first."""
    sets = run.tested_sets.select(
        pl.col("name").alias("set_name"), "family", "size"
    ).with_row_index("token_set")
    named = found.join(sets.cast({"token_set": pl.Int32}), on="token_set", how="left")
    addressed = run.addresses_of(pl.col("bank"), pl.col("feature"), named)
    return addressed.sort(pl.col("z").abs(), descending=True, maintain_order=True).select(
        "feature", "bank", "index", pl.col("set_name").alias("token_set"), "family", "size", *SCORES
    )


def _sorted(named: pl.DataFrame, sort: str) -> pl.DataFrame:
    check_sort(sort, named.columns)
    text = named[sort].dtype == pl.String
    key = pl.col(sort) if text else pl.col(sort).abs()
    return named.sort(key, descending=not text, nulls_last=True, maintain_order=True)
