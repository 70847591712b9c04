"""Pairs of a feature and a token set, in the terminal."""

from __future__ import annotations

import polars as pl
from rich.table import Table
from rich.text import Text

from unembed.numerals import number, power
from unembed.terminal.text import LONGEST_NAME, line, longest

_RESTS_ON = {None: "", 1: "1 token", 2: "2 tokens"}


def table(frame: pl.DataFrame, *, title: str | None = None, feature: bool = True) -> Table:
    """Return pairs as a table: the direction test, then TSEA.

    Args:
        frame: as `questions.list_pairs` returns it.
        title: above the table.
        feature: name the feature in each line.
    """
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
    if feature:
        drawn.add_column("feature", style="bold", no_wrap=True)
    drawn.add_column("token set", min_width=min(LONGEST_NAME, longest(frame["token_set"])))
    for name in ("tokens", "z", "rests on", "q", "ES", "NES", "AUROC"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for row in frame.iter_rows(named=True):
        drawn.add_row(
            *([row["feature"]] if feature else []),
            line(row["token_set"]),
            f"{row['size']:,}",
            Text(f"{row['z']:+.1f}", style="green" if row["z"] > 0 else "red"),
            _RESTS_ON[row["rests_on"]],
            power(row["log10_q"]),
            *(number(row[name]) for name in ("es", "nes")),
            number(row["auroc"], 3),
        )
    return drawn
