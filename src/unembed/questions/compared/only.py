"""Which token sets the features of one dictionary write, and none of another's do."""

from __future__ import annotations

import numpy as np
import polars as pl

from unembed.questions.compared.banks import Dictionary
from unembed.questions.compared.spaces import shared_sets
from unembed.questions.pairs import Sign, check_sign, list_pairs
from unembed.questions.sets_by_bank import distinct_sets
from unembed.store.schema import ADDRESS

COLUMNS: dict[str, pl.DataType] = {
    "token_set": pl.String(),
    "family": pl.String(),
    "size": pl.Int64(),
    "alike": pl.Int64(),
    "side": pl.String(),
    "sign": pl.String(),
    "features": pl.Int64(),
    "share": pl.Float64(),
    "strongest": pl.String(),
    "z": pl.Float64(),
    "nearest": pl.String(),
    "nearest_z": pl.Float64(),
}
"""The set, with its size on that side, and how many left out for it say nearly the same; whose it
is, and whether promoted or suppressed; how many features of that side pass, their share of the
bank, the strongest and its z; and of the other side the one that comes nearest, with its z."""


def sets_of_one(
    a: Dictionary,
    b: Dictionary,
    *,
    sign: Sign | None = None,
    max_q: float | None = None,
    limit: int | None = 20,
) -> pl.DataFrame | None:
    """Return the sets that features of one dictionary write and none of the other (`COLUMNS`).

    A feature writes a set where the pair passes the direction test, at each bank's own false
    discovery rate. Only sets that were tested in both runs and mean the same count. The most
    written first, of either side and sign.

    Args:
        a: the first, side `a`.
        b: the second, side `b`.
        sign: only promoted (`+`) or suppressed (`-`) ones.
        max_q: a pair passes up to this q; each run's own, if None.
        limit: at most so many of either side and sign, near-identical ones once; None for all.

    Returns:
        None where a run has no token sets, or they share none.

    Raises:
        QueryError: for another sign.
    """
    check_sign(sign)
    if not (a.run.has_enrichment and b.run.has_enrichment):
        return None
    shared = shared_sets(a, b)
    if not shared.height:
        return None
    of_a, of_b = _written(a, max_q), _written(b, max_q)
    signs = ("+", "-") if sign is None else (sign,)
    parts = [_of_side("a", (a, b), (of_a, of_b), shared, each, limit) for each in signs]
    parts += [_of_side("b", (b, a), (of_b, of_a), shared, each, limit) for each in signs]
    return pl.concat(parts)


def _written(of: Dictionary, max_q: float | None) -> pl.DataFrame:
    """Return one row a set and sign that features of a bank write."""
    passing = list_pairs(of.run, bank=of.bank, max_q=max_q)  # the strongest first
    return (
        passing.with_columns(sign=pl.when(pl.col("z") > 0).then(pl.lit("+")).otherwise(pl.lit("-")))
        .group_by("token_set", "sign", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("features"),
            pl.col("feature").first().alias("strongest"),
            pl.col("z").first().cast(pl.Float64),
        )
    )


def _of_side(
    side: str,
    banks: tuple[Dictionary, Dictionary],
    written: tuple[pl.DataFrame, pl.DataFrame],
    shared: pl.DataFrame,
    sign: str,
    limit: int | None,
) -> pl.DataFrame:
    of, other = banks
    ours, theirs = (each.filter(pl.col("sign") == sign) for each in written)
    own_number, other_number = ("ours", "theirs") if side == "a" else ("theirs", "ours")
    alone = (
        ours.join(theirs, on="token_set", how="anti", maintain_order="left")
        .join(shared, left_on="token_set", right_on="name", how="inner", maintain_order="left")
        .sort("features", pl.col("z").abs(), "token_set", descending=[True, True, False])
    )
    tested = of.run.tested_sets
    chosen = tested[alone[own_number]].select("family", "size", "ids")
    alike = np.zeros(alone.height, np.int64)
    if limit is not None and alone.height:
        members = [ids.to_numpy() for ids in chosen["ids"]]
        kept, counted = distinct_sets(members, of.run.tokens.height, limit)
        alone, chosen, alike = alone[kept], chosen[kept], np.array(counted, np.int64)
    nearest = [_nearest(other, number, sign) for number in alone[other_number]]
    return alone.with_columns(
        chosen["family"],
        chosen["size"].cast(pl.Int64),
        alike=pl.Series(alike, dtype=pl.Int64),
        side=pl.lit(side),
        share=pl.col("features") / of.facts.features,
        nearest=pl.Series([name for name, _ in nearest], dtype=pl.String),
        nearest_z=pl.Series([z for _, z in nearest], dtype=pl.Float64),
    ).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def _nearest(of: Dictionary, number: int, sign: str) -> tuple[str, float]:
    """Return the feature of a bank with the largest z of one sign with a set, and that z."""
    z = of.run.scores.z_of_set(of.bank, number)
    at = int(z.argmax() if sign == "+" else z.argmin())
    row = of.run.manifest.first_rows[of.bank] + at
    return str(of.run.scalars.slice(row, 1).select(ADDRESS).item()), float(z[at])
