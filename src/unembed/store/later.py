"""Columns that tables have since a later schema: in the runs of earlier ones they are null."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import polars as pl


class Known(NamedTuple):
    """Which columns of a table a run has.

    Attributes:
        columns: those that are read.
        nulls: what stands in the place of the others.
    """

    columns: list[str]
    nulls: list[pl.Expr]


def known_columns(
    wanted: Mapping[str, pl.DataType], later: Collection[str], *, has_later: bool
) -> Known:
    """Return how the wanted columns of a table are had.

    Args:
        wanted: with their types.
        later: those that runs of earlier schemas have not.
        has_later: whether the run has them.
    """
    missing = [] if has_later else [name for name in wanted if name in later]
    nulls = [pl.lit(None, wanted[name]).alias(name) for name in missing]
    return Known([name for name in wanted if name not in missing], nulls)
