"""Answers short enough to be read by a model: rounded numbers, few rows, no more tokens than asked.

What is left out is said: a list that was cut has `more` beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

MOST_ROWS = 50
"""Rows of one answer."""
MOST_TOKENS = 20
"""Tokens of either end of a feature."""
_DIGITS = 4
_LONGEST = 500
"""Characters of a text: descriptions are a line, and sets found in weights have long ones."""


def short(value: Any) -> Any:
    """Return a value as an answer has it: numbers of four digits, null for none, short texts.

    >>> short({"z": 12.34567, "kurtosis": float("nan"), "tokens": (" a", " b"), "size": 123456})
    {'z': 12.35, 'kurtosis': None, 'tokens': [' a', ' b'], 'size': 123456}
    """
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
    if isinstance(value, Mapping):
        return {str(name): short(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [short(each) for each in value]
    return value


def answer(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of an answer, as `short` has it."""
    return {name: short(value) for name, value in content.items()}


def picked(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return some fields of a row, without those that say nothing."""
    return {name: row[name] for name in names if row.get(name) is not None}


def rows(frame: pl.DataFrame, limit: int, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the first rows of a frame, and how many more there are.

    Args:
        frame: what was found.
        limit: rows to give.
        names: of the columns; all, if None.
    """
    given = frame if names is None else frame.select(names)
    shown = [picked(row, row) for row in given.head(limit).iter_rows(named=True)]
    return {"rows": shown, **({"more": more} if (more := frame.height - len(shown)) > 0 else {})}
