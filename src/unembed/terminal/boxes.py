"""Percentiles drawn as boxes on one axis, a line each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from rich.text import Text

WIDTH = 40


def draw(
    rows: Sequence[Mapping[str, float | None]], name: str, *, log: bool = False, width: int = WIDTH
) -> list[Text]:
    """Return a box for each row.

    `·` runs from the 1st to the 99th percentile, `─` from the 5th to the 95th, `█` from the 25th
    to the 75th; `┃` is the median.

    Args:
        rows: with `{name}_p1`, `_p5` … `_p99`; empty boxes where they are None.
        name: of the statistic.
        log: a logarithmic axis; the values are positive.
        width: of the axis, which runs from the smallest to the largest value of all rows.
    """
    values = [row[f"{name}_p{p}"] for row in rows for p in (1, 99)]
    known = [value for value in values if value is not None]
    if not known:
        return [Text(" " * width) for _ in rows]
    low, high = (_scaled(value, log) for value in (min(known), max(known)))
    span = (high - low) or 1.0

    def place(value: float) -> int:
        return round((_scaled(value, log) - low) / span * (width - 1))

    return [_box(row, name, place, width) for row in rows]


def _scaled(value: float, log: bool) -> float:
    return math.log(max(value, 1e-300)) if log else value


def _box(
    row: Mapping[str, float | None], name: str, place: Callable[[float], int], width: int
) -> Text:
    cells = [" "] * width
    for first, last, mark in ((1, 99, "·"), (5, 95, "─"), (25, 75, "█"), (50, 50, "┃")):
        start, stop = row[f"{name}_p{first}"], row[f"{name}_p{last}"]
        if start is None or stop is None:
            continue
        from_, to = place(start), place(stop) + 1
        cells[from_:to] = mark * (to - from_)
    return Text("".join(cells), no_wrap=True)
