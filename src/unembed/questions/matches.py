"""The banks of a run matched: their weights are read again from where the run came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from unembed.errors import QueryError
from unembed.features import Features
from unembed.matching.banks import Side, match, match_rows, prepared
from unembed.matching.settings import DIRECTIONS, LEVEL, By
from unembed.questions.banks import by_depth
from unembed.questions.feature import feature_row
from unembed.questions.pairs import Sign
from unembed.questions.weights import weights_of
from unembed.store.schema import ADDRESS
from unembed.store.tables import RunTables


@dataclass(frozen=True, eq=False)
class BankMatches:
    """Each feature of a bank with its best match in another one.

    Attributes:
        bank: whose features are matched.
        other: the bank they are matched to.
        pairs: one row a feature, in the bank's order: feature, bank, index; match and match_index,
            the feature of `other` it is matched to; cosine; z and z_back, that cosine in standard
            deviations of random directions like those of `bank` with the match, and of ones like
            those of `other` with the feature; mutual (it is the match's own best too); passes
            and passes_back (they are beyond their cut-offs). And of the most opposite one the same,
            as opposite, opposite_index, opposite_cosine … Null for flat features.
        facts: counts: features; matched, share, mutual (of those matched), cutoff, cutoff_back; the
            same of the opposite ones; expected_share, by chance; by, directions, seed.
    """

    bank: str
    other: str
    pairs: pl.DataFrame
    facts: dict[str, Any]


def match_banks(
    run: RunTables,
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
    unembedding = weights.unembedding
    if a.reads is not None:
        unembedding = unembedding.with_embedding(weights.embedding)
    found = match(a, b, unembedding, by=by, directions=directions, seed=seed)
    columns = {**_columns(found.alike, b, "match"), **_columns(found.opposite, b, "opposite")}
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
    own = pl.DataFrame({"bank": [a.name] * len(a), "index": a.indices})
    pairs = own.select(ADDRESS, "bank", "index").with_columns(**columns)
    return BankMatches(a.name, b.name, pairs, facts)


def follow(
    run: RunTables,
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
        feature, bank, index; other, kind, layer and lens, of the bank it is matched to; match,
        match_index, cosine, z, z_back, mutual, cutoff, cutoff_back, passes, passes_back; and the
        same of the most opposite feature: opposite, opposite_index, opposite_cosine …

    Raises:
        QueryError: when the run has no such feature or bank, or the feature is flat.
        SourceError: when the weights are not there any more, or changed.
    """
    row = feature_row(run, feature)
    if row["skewness"] is None:
        raise QueryError(f"{feature} is flat: it writes nothing, and so is like no other.")
    weights = weights_of(run)
    own = weights.bank(row["bank"])
    against = weights.against(row["bank"])
    alike = [name for name in run.banks_named(banks) if weights.against(name) is against]
    wanted = by_depth(run).filter(pl.col("bank").is_in(alike))
    ours = prepared(own, against)
    parts = []
    for name in wanted["bank"]:
        other = weights.bank(name)
        same = other.name == own.name
        found = match_rows(
            ours, ours if same else prepared(other, against), against,
            only=own.position(row["index"]), by=by, same=same, directions=directions, seed=seed,
        )  # fmt: skip
        columns = {
            **_columns(found.alike, other, "match", cutoff=True),
            **_columns(found.opposite, other, "opposite", cutoff=True),
        }
        parts.append(pl.DataFrame(columns))
    own_columns = {name: pl.lit(row[name]).alias(name) for name in ("feature", "bank", "index")}
    others = wanted.rename({"bank": "other"})
    return pl.concat([others, pl.concat(parts)], how="horizontal").select(
        *own_columns.values(), pl.all()
    )


def _columns(
    side: Side, other: Features, name: str, *, cutoff: bool = False
) -> dict[str, pl.Series]:
    """Return the columns of one sign's matches."""
    prefix = "" if name == "match" else f"{name}_"
    flat = pl.Series(side.row < 0)
    index = pl.Series(other.indices[side.row.clip(0)])
    matched = pl.DataFrame({"index": index}).with_columns(bank=pl.lit(other.name))
    columns = {
        name: matched.select(ADDRESS).to_series(),
        f"{name}_index": index,
        f"{prefix}cosine": pl.Series(side.cosine).fill_nan(None),
        f"{prefix}z": pl.Series(side.z).fill_nan(None),
        f"{prefix}z_back": pl.Series(side.z_back).fill_nan(None),
        f"{prefix}mutual": pl.Series(side.mutual),
        **({f"{prefix}cutoff": pl.Series([side.cutoff])} if cutoff else {}),
        **({f"{prefix}cutoff_back": pl.Series([side.cutoff_back])} if cutoff else {}),
        f"{prefix}passes": pl.Series(side.passes),
        f"{prefix}passes_back": pl.Series(side.passes_back),
    }
    return {each: values.set(flat, None) for each, values in columns.items()}


def _counts(side: Side, prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}matched": int(side.passes.sum()),
        f"{prefix}share": float(side.passes.mean()),
        f"{prefix}mutual": int((side.passes & side.mutual).sum()),
        f"{prefix}cutoff": side.cutoff,
        f"{prefix}cutoff_back": side.cutoff_back,
    }


_OTHER_END = {"top": "bottom", "bottom": "top"}
_BEFORE = ("feature", "bank", "index", "other", "kind", "layer", "lens")
_SIDE = ("cosine", "z", "z_back", "mutual", "cutoff", "cutoff_back", "passes", "passes_back")


def matches_of_sign(
    run: RunTables, frame: pl.DataFrame, sign: Sign, *, limit: int | None = None
) -> pl.DataFrame:
    """Return the matches of one sign, with the tokens that show them.

    Args:
        run: of the features.
        frame: `BankMatches.pairs`, or what `follow` returns.
        sign: `+` for the most similar features, `-` for the most opposite ones.
        limit: at most so many.

    Returns:
        relation (`alike` or `opposite`), feature, bank, index, match, match_index, cosine, z,
        z_back, mutual, passes, passes_back (and cutoff, cutoff_back, other, kind, layer of a
        followed feature); feature_tokens, match_tokens, and end: `top` for what the feature
        promotes, `bottom` for what it suppresses, whichever reaches further out. Of the match the
        same end, or the other one where it is opposite. Pairs of banks with the largest |z| first,
        features without a match (flat ones) last; banks in order.
    """
    name, prefix = ("match", "") if sign == "+" else ("opposite", "opposite_")
    renamed = {f"{prefix}{each}": each for each in _SIDE if f"{prefix}{each}" in frame.columns}
    before = [each for each in _BEFORE if each in frame.columns]
    chosen = frame.select(
        *before,
        pl.col(name).alias("match"),
        pl.col(f"{name}_index").alias("match_index"),
        *(pl.col(each).alias(short) for each, short in renamed.items()),
    )
    if "other" not in before:
        rank = pl.col("z").abs()
        chosen = chosen.sort(rank, descending=True, nulls_last=True, maintain_order=True)
    relation = pl.lit("alike" if sign == "+" else "opposite").alias("relation")
    return _with_tokens(run, chosen if limit is None else chosen.head(limit), sign).select(
        relation, pl.all()
    )


def both_signs(
    run: RunTables, frame: pl.DataFrame, sign: Sign | None, *, limit: int | None = None
) -> pl.DataFrame:
    """Return the matches of one sign, or of both, the similar ones first (`matches_of_sign`)."""
    return pl.concat(matches_of_sign(run, frame, each, limit=limit) for each in signs_of(sign))


def signs_of(sign: Sign | None) -> tuple[Sign, ...]:
    """Return the signs that are asked for: both, if None."""
    return ("+", "-") if sign is None else (sign,)


def _with_tokens(run: RunTables, frame: pl.DataFrame, sign: Sign) -> pl.DataFrame:
    ours, theirs = (_outermost(run, frame[name]) for name in ("feature", "match"))
    ends = [_end(each) if other else None for each, other in zip(ours, theirs, strict=True)]
    others = [end if sign == "+" else _OTHER_END.get(end or "") for end in ends]
    texts = pl.List(pl.String)
    shown = {
        name: pl.Series([each[f"{end}_tokens"] if end and each else None
                         for each, end in zip(rows, of, strict=True)], dtype=texts)
        for name, rows, of in (("feature_tokens", ours, ends), ("match_tokens", theirs, others))
    }  # fmt: skip
    return frame.with_columns(pl.Series("end", ends, pl.String), **shown)


def outermost_of(run: RunTables, feature: str) -> tuple[str, list[str]]:
    """Return the end at which a feature reaches further out, `top` or `bottom`, and its tokens."""
    row = _outermost(run, pl.Series([feature]))[0]
    assert row is not None
    return _end(row), row[f"{_end(row)}_tokens"]


def _outermost(run: RunTables, addresses: pl.Series) -> list[dict[str, Any] | None]:
    """Return how far features reach, and their outermost tokens as text; None for no feature."""
    scalars = run.scalars.select("feature", "mean", "min", "max").with_row_index("row")
    wanted = pl.DataFrame({"feature": addresses.cast(pl.String)})
    found = wanted.join(scalars, on="feature", how="left", maintain_order="left")
    ids = run.outermost(found["row"].drop_nulls().to_list())
    texts = [run.token_texts(ids[f"{end}_ids"]) for end in _OTHER_END]
    known = found.drop_nulls("row").with_columns(*texts).iter_rows(named=True)
    return [next(known) if row is not None else None for row in found["row"]]


def _end(row: Mapping[str, Any] | None) -> str:
    """Return the end that reaches further out."""
    assert row is not None
    return "top" if row["max"] - row["mean"] >= row["mean"] - row["min"] else "bottom"
