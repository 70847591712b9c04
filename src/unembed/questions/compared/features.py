"""The features of two dictionaries, each with what becomes of it in the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.matching.one_to_one import OfBank, OneToOne
from unembed.matching.pairs import Alike, Nearest, turned
from unembed.questions.compared.banks import Dictionary
from unembed.questions.compared.labels import Labels, same_labels
from unembed.questions.labels import labels

I64 = npt.NDArray[np.int64]


def labels_of(of: Dictionary) -> Labels | None:
    """Return what the label of each feature names, by position; None in runs without labels."""
    if not of.run.is_explained:
        return None
    names = of.run.tested_sets["name"].to_list()
    first = of.run.manifest.first_rows[of.bank]
    known = labels(of.run).filter(pl.col("bank") == of.bank)
    return {
        row - first: frozenset((names[number], sign) for number, sign in zip(*named, strict=True))
        for row, *named in known.select("row", "sets", "signs").iter_rows()
    }


def features_of(a: Dictionary, b: Dictionary, found: OneToOne) -> pl.DataFrame:
    """Return one row a feature of either bank (`Comparison.features`)."""
    ours = _side(a, b, "a", found.ours, found.pairs)
    return pl.concat([ours, _side(b, a, "b", found.theirs, turned(found.pairs))])


def by_fate(features: pl.DataFrame, limit: int | None = None) -> pl.DataFrame:
    """Return features of a comparison as they are listed: of either side, fate by fate.

    Those with a partner by z, the most alike first; those without by how much they say by
    themselves, the smallest p first. Flat features come last.

    Args:
        features: `Comparison.features`.
        limit: at most so many of either side and fate.
    """
    order = pl.col("fate").replace_strict(
        ["again", "split", "merged", "lost"], range(4), return_dtype=pl.Int64
    )
    listed = features.sort(
        "side", order, pl.col("z"), pl.col("log10_p"), pl.col("nearest_z"),
        descending=[False, False, True, False, True], nulls_last=True, maintain_order=True,
    )  # fmt: skip
    if limit is None:
        return listed
    return listed.filter(pl.int_range(pl.len()).over("side", "fate") < limit)


def _side(
    of: Dictionary, other: Dictionary, side: str, found: OfBank, pairs: Alike
) -> pl.DataFrame:
    own, others, fates = _described(of), _described(other), found.fates
    count = len(fates.partner)
    cosine, z = np.full(count, np.nan, np.float32), np.full(count, np.nan, np.float32)
    cosine[pairs.ours], z[pairs.ours] = pairs.cosine, pairs.z
    ours, theirs = labels_of(of), labels_of(other)
    flat = pl.Series(found.nearest.row < 0)
    pieces: list[list[str]] = [[] for _ in range(count)]
    addresses = others["feature"].to_list()
    for at, piece in zip(fates.piece_of.tolist(), fates.piece.tolist(), strict=True):
        pieces[at].append(addresses[piece])
    columns: dict[str, Any] = {
        "side": pl.repeat(side, count, eager=True),
        "fate": pl.Series(fates.names, dtype=pl.String).set(flat, None),
        "match": _at(others["feature"], fates.partner),
        "cosine": pl.Series(cosine).fill_nan(None),
        "z": pl.Series(z).fill_nan(None),
        "pieces": pl.Series(pieces, dtype=pl.List(pl.String)),
        **_found("nearest", found.nearest, others["feature"]),
        **_found("opposite", found.opposite, others["feature"]),
        "log10_p": own["log10_p"],
        "label": own["label"],
        "match_label": _at(others["label"], fates.partner),
        "same_label": pl.Series(same_labels(ours, theirs, fates.partner), dtype=pl.Boolean),
    }
    return own.select("feature", "bank", "index").with_columns(**columns)


def _found(name: str, of: Nearest, addresses: pl.Series) -> dict[str, pl.Series]:
    """Return the columns of the most alike, or the most opposite."""
    return {
        name: _at(addresses, of.row),
        f"{name}_cosine": pl.Series(of.cosine).fill_nan(None),
        f"{name}_z": pl.Series(of.z).fill_nan(None),
    }


def _described(of: Dictionary) -> pl.DataFrame:
    """Return address and label of a bank's features, in its order."""
    first, count = of.run.manifest.first_rows[of.bank], of.facts.features
    return of.run.scalars.slice(first, count).select("feature", "bank", "index", "label", "log10_p")


def _at(values: pl.Series, positions: I64) -> pl.Series:
    """Return values at some positions, null where a position is −1."""
    return values.gather(positions.clip(0)).set(pl.Series(positions < 0), None)
