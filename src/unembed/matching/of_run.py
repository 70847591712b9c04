"""The banks of a run matched: their weights are read again from where the run came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from unembed.addresses import bank_named
from unembed.errors import QueryError
from unembed.features import Features
from unembed.live import weights_of
from unembed.matching.banks import Side, match, match_rows, prepared
from unembed.matching.best import I64
from unembed.matching.settings import DIRECTIONS, LEVEL, By
from unembed.store import Run
from unembed.store.depth import by_depth


@dataclass(frozen=True, eq=False)
class BankMatches:
    """Each feature of a bank with its best match in another one.

    Attributes:
        bank: whose features are matched.
        other: the bank they are matched to.
        pairs: one row a feature, in the bank's order: feature; match, cosine, z, mutual (it is
            the match's own best too), passes (z is beyond the cut-off); and of the most opposite
            one the same, as opposite, opposite_cosine … Null for flat features.
        facts: counts: features; matched, share, mutual (of those matched), cutoff; the same
            of the opposite ones; expected_share, by chance; by, directions, seed.
    """

    bank: str
    other: str
    pairs: pl.DataFrame
    facts: dict[str, Any]


def match_banks(
    run: Run,
    bank: str,
    other: str,
    *,
    by: By = "z",
    directions: int = DIRECTIONS,
    seed: int = 0,
) -> BankMatches:
    """Return each feature's best match in another bank of the run (see `matching.match`).

    Args:
        run: whose sources are still there.
        bank: whose features are matched.
        other: to the features of this one, or of the bank itself.
        by: choose the match with the largest `z`, or the largest `cosine`.
        directions: random ones that a match is held against.
        seed: decides them.

    Raises:
        QueryError: when the run has no such bank.
        SourceError: when its weights are not there any more, or changed.
    """
    weights = weights_of(run)
    a, b = weights.bank(bank), weights.bank(other)
    found = match(a, b, weights.unembedding, by=by, directions=directions, seed=seed)
    pairs = pl.DataFrame(
        {
            "feature": _addresses(a, np.arange(len(a))),
            **_columns(found.alike, b, "match", ""),
            **_columns(found.opposite, b, "opposite", "opposite_"),
        }
    )
    facts = {
        "bank": a.name,
        "other": b.name,
        "features": len(a),
        **_counts(found.alike, ""),
        **_counts(found.opposite, "opposite_"),
        "expected_share": LEVEL,
        "by": by,
        "directions": directions,
        "seed": seed,
    }
    return BankMatches(a.name, b.name, pairs, facts)


def follow(
    run: Run,
    feature: str,
    *,
    banks: Sequence[str] | None = None,
    by: By = "z",
    directions: int = DIRECTIONS,
    seed: int = 0,
) -> pl.DataFrame:
    """Return one feature's best match in every bank of the run, in order of depth.

    In its own bank, the nearest other feature.

    Args:
        run: whose sources are still there.
        feature: `bank/index`.
        banks: only these; all of the run, if None.
        by: choose the match with the largest `z`, or the largest `cosine`.
        directions: random ones, like those of the feature's bank, that a match is held against.
        seed: decides them.

    Returns:
        feature, bank, kind, layer; match, cosine, z, mutual, cutoff, passes; and the same of the
        most opposite feature: opposite, opposite_cosine …

    Raises:
        QueryError: when the run has no such feature or bank, or the feature is flat.
        SourceError: when the weights are not there any more, or changed.
    """
    row = run.feature(feature)
    if row["skewness"] is None:
        raise QueryError(f"{feature} is flat: it writes nothing, and so is like no other.")
    weights = weights_of(run)
    own = weights.bank(row["bank"])
    wanted = by_depth(run) if banks is None else _chosen(run, banks)
    at = int(np.flatnonzero(own.indices == row["index"])[0])
    ours = prepared(own, weights.unembedding)
    parts = []
    for name in wanted["bank"]:
        other = weights.bank(name)
        same = other.name == own.name
        found = match_rows(
            ours, ours if same else prepared(other, weights.unembedding), weights.unembedding,
            only=at, by=by, same=same, directions=directions, seed=seed,
        )  # fmt: skip
        columns = {
            **_columns(found.alike, other, "match", "", cutoff=True),
            **_columns(found.opposite, other, "opposite", "opposite_", cutoff=True),
        }
        parts.append(pl.DataFrame(columns))
    address = pl.lit(f"{own.name}/{row['index']}").alias("feature")
    return pl.concat([wanted, pl.concat(parts)], how="horizontal").select(address, pl.all())


def _chosen(run: Run, banks: Sequence[str]) -> pl.DataFrame:
    chosen = [bank_named(name, run.banks) for name in banks]
    return by_depth(run).filter(pl.col("bank").is_in(chosen))


def _columns(
    side: Side, other: Features, name: str, prefix: str, *, cutoff: bool = False
) -> dict[str, pl.Series]:
    """Return the columns of one sign's matches."""
    flat = pl.Series(side.row < 0)
    columns = {
        name: _addresses(other, side.row),
        f"{prefix}cosine": pl.Series(side.cosine).fill_nan(None),
        f"{prefix}z": pl.Series(side.z).fill_nan(None),
        f"{prefix}mutual": pl.Series(side.mutual),
        **({f"{prefix}cutoff": pl.Series([side.cutoff])} if cutoff else {}),
        f"{prefix}passes": pl.Series(side.passes),
    }
    return {each: values.set(flat, None) for each, values in columns.items()}


def _addresses(bank: Features, rows: I64) -> pl.Series:
    texts = [f"{bank.name}/{bank.indices[row]}" if row >= 0 else None for row in rows]
    return pl.Series(texts, dtype=pl.String)


def _counts(side: Side, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}matched": int(side.passes.sum()),
        f"{prefix}share": float(side.passes.mean()),
        f"{prefix}mutual": int((side.passes & side.mutual).sum()),
        f"{prefix}cutoff": side.cutoff,
    }
