"""What features read beside what they write, in the terminal."""

from __future__ import annotations

from typing import Any

import polars as pl
from rich.table import Table

from unembed.numerals import number
from unembed.outside.text import shown
from unembed.questions.kinds import KINDS
from unembed.terminal.text import line


def by_bank(frame: pl.DataFrame) -> Table:
    """Return how many features of each bank are of which kind.

    Args:
        frame: as `questions.sides_by_bank` returns it.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("written", style="bold", no_wrap=True)
    table.add_column("read", no_wrap=True)
    for name in ("features", *KINDS, "by chance", "correlation"):
        table.add_column(name, justify="right")
    for row in frame.iter_rows(named=True):
        counts = (row[name] for name in ("features", *KINDS))
        table.add_row(
            shown(row["bank"]), shown(row["reads"]), *(f"{count:,}" for count in counts),
            number(row["by_chance"]), number(row["correlation"]),
        )  # fmt: skip
    return table


def features(frame: pl.DataFrame) -> Table:
    """Return features with what they read and what they write.

    Args:
        frame: as `questions.read_and_written` returns it.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("feature", style="bold", no_wrap=True)
    table.add_column("part", no_wrap=True)
    table.add_column("corr.", justify="right", no_wrap=True)
    table.add_column("z", justify="right", no_wrap=True)
    table.add_column("both about")
    table.add_column("reads")
    table.add_column("writes")
    for row in frame.iter_rows(named=True):
        z = "" if row["z"] is None else f"{row['z']:+.1f}"
        table.add_row(
            row["feature"], row["part"], number(row["correlation"]), z, _shared(row),
            line(row["label_read"]), line(row["label_written"]),
        )  # fmt: skip
    return table


def _shared(row: dict[str, Any]) -> str:
    """Return the set that both sides are about, with the smaller |z|."""
    if row["shared"] is None:
        return ""
    return f"{shown(row['shared'])} ({row['shared_z']:+.1f})".replace("-", "−")
