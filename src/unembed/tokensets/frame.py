"""Token sets as a table, the form in which they are kept on disk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from unembed.tokensets.token_sets import Ids, SetAside, SetInfo, TokenSets
from unembed.vocabulary import Vocabulary

COLUMNS: dict[str, pl.DataType] = {
    "name": pl.String(),
    "family": pl.String(),
    "size": pl.Int64(),
    "description": pl.String(),
    "source": pl.String(),
    "definition": pl.String(),
    "aliases": pl.List(pl.String()),
    "words": pl.Int64(),
    "missed": pl.Int64(),
    "set_aside": pl.String(),
    "ids": pl.List(pl.Int32()),
}
"""One row a set. `set_aside` is why a set is left out, and null for the others."""


def to_frame(sets: TokenSets) -> pl.DataFrame:
    """Return one row a set: those that are tested, then those that were set aside."""
    members = [*np.split(sets.ids, sets.indptr[1:-1])][: len(sets)]
    rows: list[tuple[SetInfo, Ids, str | None]] = [
        *((info, ids, None) for info, ids in zip(sets.infos, members, strict=True)),
        *((aside.info, aside.ids, aside.reason) for aside in sets.set_aside),
    ]
    facts = [
        {**vars(info), "aliases": list(info.aliases), "size": len(ids), "set_aside": reason}
        for info, ids, reason in rows
    ]
    schema = {name: kind for name, kind in COLUMNS.items() if name != "ids"}
    # sets that are all of one size would become an Array
    column = pl.Series("ids", [ids for _, ids, _ in rows]).cast(COLUMNS["ids"])
    return pl.DataFrame(facts, schema=schema).with_columns(column).select(*COLUMNS)


def from_frame(frame: pl.DataFrame, vocabulary: Vocabulary) -> TokenSets:
    """Return the sets that `to_frame` made a table of."""
    kept = frame.filter(pl.col("set_aside").is_null())
    aside = frame.filter(pl.col("set_aside").is_not_null())
    indptr, ids = _members(kept)
    bounds, left_out = _members(aside)
    set_aside = [
        SetAside(info, left_out[bounds[at] : bounds[at + 1]], aside["set_aside"][at])
        for at, info in enumerate(_infos(aside))
    ]
    return TokenSets(vocabulary, indptr, ids, tuple(_infos(kept)), tuple(set_aside))


def _infos(frame: pl.DataFrame) -> list[SetInfo]:
    fields = [name for name in COLUMNS if name not in ("size", "set_aside", "ids")]
    return [
        SetInfo(**{**row, "aliases": tuple(row["aliases"])})
        for row in frame.select(fields).iter_rows(named=True)
    ]


def _members(frame: pl.DataFrame) -> tuple[npt.NDArray[np.int64], Ids]:
    lengths = frame["ids"].list.len()
    indptr = np.zeros(frame.height + 1, np.int64)
    np.cumsum(lengths.to_numpy(), out=indptr[1:])
    return indptr, frame["ids"].filter(lengths > 0).explode().to_numpy().astype(np.int32)
