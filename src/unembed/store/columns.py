"""The columns that each table of a run has: those of somebody else's run are held against them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from unembed.enrichment.discovery_rate import LEVELS
from unembed.errors import RunError
from unembed.parquet import schema_of
from unembed.store import enrichment as store
from unembed.store.added import ADDED_COLUMNS, again
from unembed.store.explanation import (
    CORE_COLUMNS,
    END_COLUMNS,
    EXPLANATION_COLUMNS,
    LATER_COLUMNS,
)
from unembed.store.published import COLLISION_COLUMNS, STRONGEST_COLUMNS
from unembed.store.schema import FEATURE_COLUMNS
from unembed.store.shards import TOKENS
from unembed.tokensets.frame import COLUMNS as TOKEN_SET_COLUMNS

_FLOATS = pl.List(pl.Float32())
_RATE: dict[str, DataType] = {"bin": pl.Int64(), "pairs": pl.Int64()}
_CLAIMS: dict[str, DataType] = {
    **dict.fromkeys(("feature", "pairs"), pl.Int64()),
    **{f"passing_{level}": pl.Int64() for level in LEVELS},
    **{f"without_{level}": pl.Float64() for level in LEVELS},
}
_PERMUTED: dict[str, DataType] = {
    "feature": pl.Int64(),
    **{f"{what}_{level}": pl.Int64() for what in ("pairs", "found") for level in LEVELS},
}
_NAMES: dict[str, DataType] = {"id": pl.Int32(), "text": pl.String(), "bytes": pl.Binary()}
_FLAGS = ("special", "unused", "partial_utf8", "masked")
_DIRECTIONS = ("std", "skewness", "kurtosis", "left_tail", "right_tail")
_LATER: dict[str, tuple[tuple[str, ...], ...]] = {
    "explanations": (LATER_COLUMNS, (*END_COLUMNS,), CORE_COLUMNS),
    "enrichment/pairs": (store.LATER_PAIR_COLUMNS,),
    "null-directions": (store.COHESION_COLUMNS,),
}
"""Columns that runs of earlier versions have not, those together that came together."""
_TABLES: dict[str, Mapping[str, DataType]] = {
    TOKENS: {**_NAMES, **dict.fromkeys(_FLAGS, pl.Boolean())},
    store.TOKEN_SETS: TOKEN_SET_COLUMNS,
    **ADDED_COLUMNS,
    "features": FEATURE_COLUMNS,
    "explanations": EXPLANATION_COLUMNS,
    "enrichment/pairs": store.PAIR_COLUMNS,
    "enrichment/rate": _RATE,
    "enrichment/strongest": {"z": pl.Float32()},
    "enrichment/smallest": {"log10_p": pl.Float32()},
    "enrichment/claims": _RATE,
    "enrichment/sampled_claims": _CLAIMS,
    "enrichment/tests": dict.fromkeys(("z", "log10_p", "slope"), _FLOATS),
    "published/strongest": STRONGEST_COLUMNS,
    "published/collisions": COLLISION_COLUMNS,
    "null": {"z_sd": pl.Float64(), "z_beyond_1_percent": pl.Float64()},
    "null-directions": dict.fromkeys((*_DIRECTIONS, *store.COHESION_COLUMNS), pl.Float64()),
    "null-checks": store.CHECK_COLUMNS,
    "null-permuted": _PERMUTED,
    "null-smallest": {"log10_p": pl.Float64(), "share": pl.Float64(), "sets": pl.Int64()},
}


def check_columns(folder: Path, table: str) -> None:
    """Check that a table has the columns that are read of it; others are passed over.

    Args:
        folder: the run's.
        table: its path in the run.

    Raises:
        RunError: when one is missing, or holds something else; when no run has such a table.
        OSError, PolarsError: when there is no such table.
    """
    if why := wrong_columns(folder, table):
        raise _wrong(folder, table, why)


def wrong_columns(folder: Path, table: str) -> str | None:
    """Return what is wrong with the columns of a table; None where nothing is.

    Args:
        folder: the run's.
        table: its path in the run.

    Raises:
        RunError: when no run has such a table.
        OSError, PolarsError: when there is no such table.
    """
    wanted, found = columns_of(table), schema_of(folder / table)
    for later in _LATER.get(_room_of(table), ()):
        if not any(name in found for name in later):
            found = found | {name: wanted[name] for name in later}
    for name, kind in wanted.items():
        if name not in found:
            return f"it has no column {name!r}, which should hold {kind}"
        if not _fits(found[name], kind):
            return f"its column {name!r} holds {found[name]}, and should {kind}"
    return None


def columns_of(table: str) -> Mapping[str, DataType]:
    """Return the columns of a table, by its path in a run.

    Raises:
        RunError: when no run has such a table.
    """
    room = _room_of(table)
    if room not in _TABLES:
        raise RunError(
            f"No table of a run is called {table!r:.200}. Its tables are those that manifest.json "
            "stands for, and what it was given later."
        )
    return _TABLES[room]


def _room_of(table: str) -> str:
    """Return what stands for a table and its like in `_TABLES`."""
    room, stem = Path(table).parent.as_posix(), Path(table).stem
    if room == ".":
        return table
    kinds = (f"{room}-{kind}" for kind in ("directions", "checks", "permuted", "smallest"))
    return next(
        (kind for kind in kinds if kind in _TABLES and stem.endswith(kind.removeprefix(room))), room
    )


def _fits(found: DataType | DataTypeClass, wanted: DataType | DataTypeClass) -> bool:
    """Return whether a column can be read as one of another kind: numbers may be wider."""
    if isinstance(wanted, pl.List):
        return isinstance(found, pl.List) and _fits(found.inner, wanted.inner)
    if isinstance(wanted, pl.Struct):
        parts = (
            {part.name: part.dtype for part in found.fields} if isinstance(found, pl.Struct) else {}
        )
        return all(
            part.name in parts and _fits(parts[part.name], part.dtype) for part in wanted.fields
        )
    alike = (wanted.is_integer() and found.is_integer()) or (wanted.is_float() and found.is_float())
    return alike or found == wanted


def _wrong(folder: Path, table: str, why: str) -> RunError:
    advice = again(table) or (
        "Ask whoever made the run for it again, or make it yourself, with --overwrite."
    )
    return RunError(f"{folder / table} is no table of a run: {why}. {advice}")
