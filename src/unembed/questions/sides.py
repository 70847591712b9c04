"""What features read beside what they write: how far the two agree, and what kind that makes them.

Both are kept as z over the same token sets, so that all of it is had from the run's tables alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import false_discovery_control

from unembed.enrichment.lookup import critical_values
from unembed.errors import QueryError
from unembed.facts import BankFacts
from unembed.matching.sides import Agreement, agreement
from unembed.products import array_product
from unembed.questions.banks import require_classes
from unembed.questions.kinds import KINDS, Kind
from unembed.questions.pairs import log10_of
from unembed.store.tables import RunTables

I64 = npt.NDArray[np.int64]

LEVEL = 0.001
"""The share of pairs of two different features whose rows correlate as much as agree."""
TOGETHER = 512
"""Features that are held against each other: 261,632 pairs of different ones."""
_SEED = 0
COLUMNS: dict[str, pl.DataType] = {
    "feature": pl.String(),
    "bank": pl.String(),
    "index": pl.Int64(),
    "reads": pl.String(),
    "part": pl.String(),
    "lens": pl.String(),
    "kind": pl.String(),
    "correlation": pl.Float64(),
    "z": pl.Float64(),
    "p": pl.Float64(),
    "q": pl.Float64(),
    "shared": pl.String(),
    "shared_z": pl.Float64(),
    "label_read": pl.String(),
    "label_written": pl.String(),
}


class Pair(NamedTuple):
    """A bank of what features read, and one of what the same features write.

    Attributes:
        read: what they read.
        written: what they write, through one of the run's lenses.
    """

    read: BankFacts
    written: BankFacts


def pairs_of_sides(run: RunTables, bank: str | Sequence[str] | None = None) -> list[Pair]:
    """Return the pairs of banks that are two sides of the same features.

    Args:
        run: any.
        bank: only those of these banks, of either side.

    Raises:
        QueryError: when the run has no such bank, or no bank of either side of the same features.
    """
    wanted = run.banks_named(bank)
    found = [
        Pair(read, written)
        for read in run.manifest.banks
        for written in run.manifest.banks
        if read.reads and not written.reads and read.reads.bank == _own_name(written)
        and (read.name in wanted or written.name in wanted)
    ]  # fmt: skip
    if not found:
        raise QueryError(
            "The run does not hold what features read and what the same features write: make it "
            "with `unembed run … --side both`."
        )
    return found


def read_and_written(run: RunTables, bank: str | Sequence[str] | None = None) -> pl.DataFrame:
    """Return one row a feature and pair of its sides: how far they agree, and what kind that is.

    `correlation` is that of the feature's two rows of z over all token sets that could be tested;
    `z` is the same in standard deviations of the correlations of its rows with those of some 511
    other features, `p` the share of pairs of two different features that are as far out, and `q`
    Benjamini and Hochberg's over the features of the two banks. `shared` is the set that both sides
    pass with whose smaller |z| is largest, and `shared_z` that |z|, negative where the two signs
    differ (`matching.sides`). They make the kind: `copies` or `undoes` by the sign of the shared
    set, or else by that of a correlation with p up to 0.001.

    Args:
        run: with banks of both sides (`--side both`).
        bank: only these, of either side.

    Returns:
        feature (of what it writes), bank, index; reads, the same feature by what it reads, and of
        which part; lens, of what it writes; kind (`questions.kinds`); correlation, z, p, q; shared,
        shared_z; the labels of both sides. No agreement where a side is flat. In the order of the
        run.

    Raises:
        QueryError: when the run does not have both sides, or features have no classes.
    """
    require_classes(run)
    return pl.concat(_of_pair(run, pair) for pair in pairs_of_sides(run, bank)).select(*COLUMNS)


def features_of_kind(
    run: RunTables,
    kind: Kind,
    bank: str | Sequence[str] | None = None,
    *,
    limit: int | None = None,
) -> pl.DataFrame:
    """Return the rows of `read_and_written` of one kind, those that share a set most first.

    Then those whose correlation is furthest from chance.

    Args:
        run: with banks of both sides.
        kind: see `questions.kinds`.
        bank: only these, of either side.
        limit: at most so many; all of them, if None.

    Raises:
        QueryError: as `read_and_written` does.
    """
    first = pl.col("shared_z").abs(), pl.col("z").abs()
    found = read_and_written(run, bank).filter(kind=kind)
    found = found.sort(*first, descending=True, nulls_last=True)
    return found if limit is None else found.head(limit)


def sides_by_bank(run: RunTables, bank: str | Sequence[str] | None = None) -> pl.DataFrame:
    """Return one row a pair of banks: how many of its features are of each kind.

    Args:
        run: with banks of both sides.
        bank: only these, of either side.

    Returns:
        bank, reads (the bank of what they read), part, lens, features; each of `KINDS`;
        correlation, the median; by_chance, how many of as many pairs of two different features
        would be `copies` or `undoes`.

    Raises:
        QueryError: as `read_and_written` does.
    """
    require_classes(run)
    pairs = pairs_of_sides(run, bank)
    found = pl.concat(_of_pair(run, pair) for pair in pairs).with_columns(
        reads=pl.col("reads").str.extract(r"^(.*)/")
    )
    by = ["bank", "reads", "part", "lens"]
    return found.group_by(by, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("features"),
        *((pl.col("kind") == kind).sum().cast(pl.Int64).alias(kind) for kind in KINDS),
        correlation=pl.col("correlation").median(),
        by_chance=pl.col("chance").sum(),
    )


def sides_of(run: RunTables, feature: str) -> list[dict[str, Any]]:
    """Return what `read_and_written` says of one feature, but q; nothing where a side lacks.

    Quick: only the features that it is held against are read.

    Args:
        run: any.
        feature: `bank/index`, of either side.

    Raises:
        QueryError: when the run has no such feature.
    """
    bank, position = run.place_of(run.row_of(feature))
    facts = run.manifest.bank(bank)
    if not run.is_explained or not any(each.reads for each in run.manifest.banks):
        return []
    try:
        pairs = pairs_of_sides(run, facts.name)
    except QueryError:
        return []
    found = []
    for pair in pairs:
        places = next(part for part in _parts(facts.features) if position in part)
        rows = _described(run, pair, places, _measured(run, pair, places))
        found += rows.filter(pl.Series(places == position)).drop("chance").to_dicts()
    return found


def _own_name(bank: BankFacts) -> str:
    return bank.lens.bank if bank.lens else bank.name


def _of_pair(run: RunTables, pair: Pair) -> pl.DataFrame:
    parts = [
        (places, _described(run, pair, places, _measured(run, pair, places)))
        for places in _parts(pair.written.features)
    ]
    order = np.argsort(np.concatenate([places for places, _ in parts]), kind="stable")
    found = pl.concat(rows for _, rows in parts)[order]
    p = found["p"].fill_null(np.nan).to_numpy()
    q, known = np.full(len(p), np.nan), ~np.isnan(p)
    if known.any():
        q[known] = false_discovery_control(p[known], method="bh")
    return found.with_columns(q=pl.Series(q).fill_nan(None))


def _parts(features: int) -> Iterator[I64]:
    """Yield the positions of features that are held against each other, drawn at random."""
    drawn = np.random.default_rng(_SEED).permutation(features)
    count = max(1, round(features / TOGETHER))
    yield from (np.sort(part) for part in np.array_split(drawn, count))


def _measured(run: RunTables, pair: Pair, places: I64) -> Agreement:
    read, written = (run.scores.z_of_features(bank.name, places, array_product) for bank in pair)
    std = run.scalars["std"].to_numpy()
    alive = [std[run.manifest.first_rows[bank.name] + places] > 0 for bank in pair]
    columns = (read != 0).any(0) & (written != 0).any(0)
    least = np.maximum(*(run.scores.passing_z(bank.name, critical_values) for bank in pair))
    return agreement(read, written, alive[0] & alive[1], columns, least, LEVEL)


def _described(run: RunTables, pair: Pair, places: I64, found: Agreement) -> pl.DataFrame:
    """Return rows of features with their kinds, and with the chance of one; without q."""
    sides = [run.scalars[run.manifest.first_rows[bank.name] + places] for bank in pair]
    read, written = sides
    level = log10_of(run.tested.max_q)
    passes = [
        (side["log10_q"] <= level).fill_null(False).to_numpy()
        for side in sides
    ]  # fmt: skip
    names = dict(enumerate(run.tested_sets["name"]))
    assert pair.read.reads is not None
    kinds = _kinds(found, *passes, either=pair.read.reads.part == "gate")
    return pl.DataFrame(
        {
            "feature": written["feature"],
            "bank": written["bank"],
            "index": written["index"],
            "reads": read["feature"],
            "part": [pair.read.reads.part] * len(places),
            "lens": written["lens"],
            "kind": kinds,
            **{
                name: pl.Series(getattr(found, name)).fill_nan(None)
                for name in ("correlation", "z", "p")
            },
            "shared": pl.Series(found.shared).replace_strict(names, default=None),
            "shared_z": pl.Series(np.where(found.shared < 0, np.nan, found.shared_z)).fill_nan(
                None
            ),
            "chance": np.where(np.isnan(found.p), 0.0, found.chance),
            "label_read": read["label"],
            "label_written": written["label"],
        }
    )


def _kinds(
    found: Agreement,
    read: npt.NDArray[np.bool_],
    written: npt.NDArray[np.bool_],
    *,
    either: bool,
) -> list[str]:
    """Return the kind of each feature (see `questions.kinds`)."""
    opposite = (found.sign < 0) & (not either)
    conditions = [opposite, found.sign != 0, read & written, read, written]
    names = ["undoes", "copies", "transforms", "reads only", "writes only"]
    kinds: list[str] = np.select(conditions, names, "neither").tolist()
    return kinds
