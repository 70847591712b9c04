"""Which token sets a run's features write at which depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.errors import QueryError, did_you_mean
from unembed.store.depth import by_depth
from unembed.store.run import Run
from unembed.tokensets.token_sets import is_within

ALIKE = 0.5
"""Two sets whose membership over the tokens correlates by more than this, either way, say much
the same: of them only the one that is written more is shown."""


def sets_by_bank(
    run: Run,
    sets: Sequence[str] | None = None,
    *,
    family: str | Sequence[str] | None = None,
    sign: Literal["+", "-"] | None = None,
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
        sign: `+` to choose by promoting features, `-` by suppressing ones.
        limit: at most so many sets; None for all that any feature writes.

    Returns:
        token_set, family, size, alike (how many near-identical sets were left out for it), bank,
        kind, layer; promoting and suppressing, counts of features; promoted and suppressed, their
        shares of the bank; share, of either sign, or of the one that was asked for. Sets in
        order, banks by depth.

    Raises:
        QueryError: when the run has no enrichment, or no such set or family.
    """
    if sign not in (None, "+", "-"):
        raise QueryError(f"The sign is + (promotes) or - (suppresses), not {sign!r}.")
    counts = _counts(run)
    chosen = _chosen(run, counts, sets, family, sign, limit)
    sizes = run.scalars.group_by("bank").agg(total=pl.len())
    table = (
        chosen.join(by_depth(run), how="cross", maintain_order="left")
        .join(counts, on=["token_set", "bank"], how="left", maintain_order="left")
        .join(sizes, on="bank", how="left", maintain_order="left")
        .with_columns(pl.col("promoting", "suppressing").fill_null(0))
        .with_columns(
            promoted=pl.col("promoting") / pl.col("total"),
            suppressed=pl.col("suppressing") / pl.col("total"),
        )
    )
    return table.with_columns(_share(sign).alias("share")).drop("total")


def _share(sign: Literal["+", "-"] | None) -> pl.Expr:
    names = {"+": ["promoted"], "-": ["suppressed"]}.get(sign or "", ["promoted", "suppressed"])
    return pl.sum_horizontal(names)


def _counts(run: Run) -> pl.DataFrame:
    """Features that promote and suppress each set, by bank, where there are any."""
    up = pl.col("z") > 0
    return (
        _passing(run)
        .group_by("token_set", "bank")
        .agg(promoting=up.sum().cast(pl.Int64), suppressing=(~up).sum().cast(pl.Int64))
    )


def _chosen(
    run: Run,
    counts: pl.DataFrame,
    names: Sequence[str] | None,
    family: str | Sequence[str] | None,
    sign: Literal["+", "-"] | None,
    limit: int | None,
) -> pl.DataFrame:
    """The sets to show, in order: token_set, family, size, alike."""
    tested = run.token_sets.filter(pl.col("set_aside").is_null()).select(
        pl.col("name").alias("token_set"), "family", "size", "aliases", "ids"
    )
    shown = tested.drop("aliases", "ids").with_columns(alike=pl.lit(0, pl.Int64))
    if names is not None:
        order = pl.DataFrame({"token_set": [_named(name, tested) for name in names]})
        return order.unique(maintain_order=True).join(
            shown, on="token_set", how="left", maintain_order="left"
        )
    written = _most_written(run, counts, sign)
    if family is not None:
        members = _of_families(tested, [family] if isinstance(family, str) else family)
        written = written.filter(pl.col("token_set").is_in(members))
    ranked = written.join(shown, on="token_set", how="left", maintain_order="left")
    if limit is None or ranked.is_empty():
        return ranked
    ids = dict(zip(tested["token_set"], tested["ids"], strict=True))
    kept, alike = _distinct(
        [ids[name].to_numpy() for name in ranked["token_set"]], run.tokens.height, limit
    )
    return ranked[kept].with_columns(alike=pl.Series(alike, dtype=pl.Int64))


def _most_written(run: Run, counts: pl.DataFrame, sign: Literal["+", "-"] | None) -> pl.DataFrame:
    """Sets by their share of features, on average over banks, the largest first."""
    sizes = run.scalars.group_by("bank").agg(total=pl.len())
    shares = counts.join(sizes, on="bank").with_columns(
        promoted=pl.col("promoting") / pl.col("total"),
        suppressed=pl.col("suppressing") / pl.col("total"),
    )
    of_set = shares.group_by("token_set").agg(_share(sign).sum().alias("written"))
    return (
        of_set.filter(pl.col("written") > 0)
        .sort("written", "token_set", descending=[True, False])
        .select("token_set")
    )


def _named(name: str, tested: pl.DataFrame) -> str:
    found = tested.filter((pl.col("token_set") == name) | pl.col("aliases").list.contains(name))
    if found.height:
        return str(found["token_set"][0])
    known = [*tested["token_set"], *tested["aliases"].explode().drop_nulls()]
    raise QueryError(
        f"There is no token set {name!r} among the {tested.height:,} of this run."
        f"{did_you_mean(name, known)}"
    )


def _of_families(tested: pl.DataFrame, families: Sequence[str]) -> list[str]:
    known = tested["family"].unique().sort().to_list()
    for family in families:
        if not any(is_within(each, family) for each in known):
            raise QueryError(
                f"There is no family {family!r}.{did_you_mean(family, known)} "
                f"Families: {', '.join(known)}."
            )
    wanted = [each for each in known if any(is_within(each, family) for family in families)]
    return tested.filter(pl.col("family").is_in(wanted))["token_set"].to_list()


def _distinct(
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


def _passing(run: Run) -> pl.DataFrame:
    """Return the run's significant pairs (see `Run.enrichment`), with the bank of each.

    Raises:
        QueryError: when the run has no enrichment.
    """
    return run.enrichment().with_columns(
        bank=pl.col("feature").str.replace(r"/\d+$", "").cast(pl.String)
    )
