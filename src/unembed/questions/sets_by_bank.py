"""Which token sets a run's features write at which depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.questions.banks import by_depth
from unembed.questions.pairs import Sign, check_sign, list_pairs
from unembed.store.tables import RunTables

ALIKE = 0.5
"""Two sets whose membership over the tokens correlates by more than this, either way, say much
the same: of them only the one that is written more is shown."""


def sets_by_bank(
    run: RunTables,
    sets: Sequence[str] | None = None,
    *,
    family: str | Sequence[str] | None = None,
    bank: str | Sequence[str] | None = None,
    sign: Sign | None = None,
    limit: int | None = 20,
) -> pl.DataFrame:
    """Return which token sets are written at which depth: one row a set and bank.

    The share of a bank's features in which the set passes the direction test at the run's false
    discovery rate (each bank's own, over all of its pairs).

    Without names, the sets that are written most: those with the largest share, on average over
    banks. A set that is nearly the same as one before it, or nearly its complement, is left out
    (see `ALIKE`), unless limit is None.

    Args:
        run: with token sets.
        sets: these ones, in this order, by name or alias.
        family: only sets of this family, or of these.
        bank: only this bank, or these.
        sign: `+` to choose by promoting features, `-` by suppressing ones.
        limit: at most so many sets; None for all that any feature writes.

    Returns:
        token_set, family, size, alike (how many near-identical sets were left out for it), bank,
        kind, layer; promoting and suppressing, counts of features; promoted and suppressed, their
        shares of the bank; share, of either sign, or of the one that was asked for. Sets in
        order, banks by depth.

    Raises:
        QueryError: when the run has no enrichment, or no such set, family or bank.
    """
    check_sign(sign)
    banks = by_depth(run).filter(pl.col("bank").is_in(run.banks_named(bank)))
    sizes = pl.DataFrame([(b.name, b.features) for b in run.manifest.banks],
                         schema={"bank": pl.String, "total": pl.UInt32}, orient="row")  # fmt: skip
    counts = _counts(run, banks["bank"].to_list(), sizes)
    chosen = _chosen(run, counts, sets, family, sign, limit)
    table = (
        chosen.join(banks, how="cross", maintain_order="left")
        .join(counts, on=["token_set", "bank"], how="left", maintain_order="left")
        .with_columns(pl.col("promoting", "suppressing", "promoted", "suppressed").fill_null(0))
    )
    return table.with_columns(_share(sign).alias("share"))


def _share(sign: Sign | None) -> pl.Expr:
    names = {"+": ["promoted"], "-": ["suppressed"]}.get(sign or "", ["promoted", "suppressed"])
    return pl.sum_horizontal(names)


def _counts(run: RunTables, banks: Sequence[str], sizes: pl.DataFrame) -> pl.DataFrame:
    """Features that promote and suppress each set, and their shares, by bank, where there are any.

    Columns: token_set, bank, promoting, suppressing, promoted, suppressed.
    """
    up = pl.col("z") > 0
    return (
        list_pairs(run, bank=banks)
        .group_by("token_set", "bank", maintain_order=True)
        .agg(promoting=up.sum().cast(pl.Int64), suppressing=(~up).sum().cast(pl.Int64))
        .join(sizes, on="bank", maintain_order="left")
        .with_columns(
            promoted=pl.col("promoting") / pl.col("total"),
            suppressed=pl.col("suppressing") / pl.col("total"),
        )
        .drop("total")
    )


def _chosen(
    run: RunTables,
    counts: pl.DataFrame,
    names: Sequence[str] | None,
    family: str | Sequence[str] | None,
    sign: Sign | None,
    limit: int | None,
) -> pl.DataFrame:
    """The sets to show, in order: token_set, family, size, alike."""
    tested = run.tested_sets
    shown = tested.select(
        pl.col("name").alias("token_set"), "family", "size", alike=pl.lit(0, pl.Int64)
    )
    if names is not None:
        order = pl.DataFrame({"token_set": [run.sets.name(name) for name in names]})
        return order.unique(maintain_order=True).join(
            shown, on="token_set", how="left", maintain_order="left"
        )
    written = _most_written(counts, sign)
    ranked = written.join(shown, on="token_set", how="left", maintain_order="left")
    if family is not None:
        ranked = ranked.filter(pl.col("family").is_in(run.sets.within(family)))
    if limit is None or ranked.is_empty():
        return ranked
    members = tested["ids"].gather([run.sets.numbers[name] for name in ranked["token_set"]])
    kept, alike = distinct_sets([ids.to_numpy() for ids in members], run.tokens.height, limit)
    return ranked[kept].with_columns(alike=pl.Series(alike, dtype=pl.Int64))


def _most_written(counts: pl.DataFrame, sign: Sign | None) -> pl.DataFrame:
    """Sets by their share of features, on average over banks, the largest first.

    Shares are added in one order, or sets that are equal would change places from time to time.
    """
    of_set = (
        counts.sort("bank")
        .group_by("token_set", maintain_order=True)
        .agg(_share(sign).sum().alias("written"))
    )
    return (
        of_set.filter(pl.col("written") > 0)
        .sort("written", "token_set", descending=[True, False])
        .select("token_set")
    )


def distinct_sets(
    members: Sequence[npt.NDArray[np.integer[Any]]], n_tokens: int, limit: int
) -> tuple[list[int], list[int]]:
    """Return which sets to show, and how many alike were left out for each, until limit is full.

    Args:
        members: token ids of the sets, the one to show first at the front.
        n_tokens: of the vocabulary.
        limit: at most so many.
    """
    kept: list[int] = []
    alike: list[int] = []
    shown = np.zeros((limit, n_tokens), bool)
    for at, ids in enumerate(members):
        near = np.abs(_correlation(shown[: len(kept)], ids)) > ALIKE
        if near.any():
            alike[int(near.argmax())] += 1
        elif len(kept) == limit:
            break
        else:
            shown[len(kept), ids] = True
            kept.append(at)
            alike.append(0)
    return kept, alike


def _correlation(
    shown: npt.NDArray[np.bool_], ids: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.float64]:
    """Correlation over tokens between being in a set and being in each of the others."""
    n, size = shown.shape[1], len(ids)
    sizes = shown.sum(1)
    both = shown[:, ids].sum(1)
    spread = np.sqrt(1.0 * size * (n - size) * sizes * (n - sizes))
    correlation: npt.NDArray[np.float64] = (n * both - 1.0 * size * sizes) / np.maximum(spread, 1)
    return correlation
