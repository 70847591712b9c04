"""Published SAEs, in the terminal: releases, or single SAEs."""

from __future__ import annotations

import polars as pl
from rich.table import Table
from rich.text import Text

from unembed.numerals import number
from unembed.outside.text import shown

RELEASE = pl.col("name").str.split("/").list.first().alias("release")
"""The release of each SAE, by its name."""
SITE = pl.col("hook").str.replace(r"^blocks\.\d+\.", "")
"""What each SAE writes to, without the layer: `hook_resid_post`."""


def releases(found: pl.DataFrame) -> Table:
    """Return a row a release: its model, what its SAEs write to, how many there are and load.

    Args:
        found: as `list_saes` returns it.
    """
    grouped = found.group_by(RELEASE, "model", maintain_order=True).agg(
        pl.len().alias("saes"),
        pl.col("layer").n_unique().alias("layers"),
        SITE.unique(maintain_order=True).alias("sites"),
        pl.col("width").unique().sort().alias("widths"),
        pl.col("loads").all().alias("loads"),
    )
    drawn = Table(box=None, pad_edge=False)
    several = grouped["model"].n_unique() > 1
    drawn.add_column("release", style="bold", no_wrap=True, overflow="ellipsis", ratio=3)
    if several:
        drawn.add_column("model", no_wrap=True, overflow="ellipsis", ratio=2)
    drawn.add_column("SAEs", justify="right", no_wrap=True, min_width=5)
    drawn.add_column("writes to", no_wrap=True, overflow="ellipsis", ratio=2)
    drawn.add_column("layers", justify="right", no_wrap=True, min_width=6)
    drawn.add_column("features", no_wrap=True, min_width=14)
    for row in grouped.iter_rows(named=True):
        drawn.add_row(
            Text(shown(row["release"]), style="" if row["loads"] else "dim"),
            *([row["model"]] if several else []),
            f"{row['saes']:,}",
            ", ".join(site for site in row["sites"] if site),
            f"{row['layers']:,}",
            _widths([width for width in row["widths"] if width is not None]),
        )
    return drawn


def listing(found: pl.DataFrame) -> Table:
    """Return a row an SAE: its name, which `unembed run` takes, and what would be fetched.

    Args:
        found: as `list_saes` returns it.
    """
    drawn = Table(box=None, pad_edge=False)
    longest = int(found["name"].str.len_chars().max() or 0)  # type: ignore[arg-type]
    drawn.add_column("SAE", style="bold", no_wrap=True, min_width=longest)  # to be copied whole
    drawn.add_column("writes to", no_wrap=True)
    drawn.add_column("features", justify="right", no_wrap=True)
    drawn.add_column("L0", justify="right", no_wrap=True)
    drawn.add_column("fetches", justify="right", no_wrap=True)
    notes = found["note"].str.len_chars().sum() > 0
    if notes:
        drawn.add_column("note")
    for row in found.iter_rows(named=True):
        drawn.add_row(
            row["name"],
            row["hook"] or "?",
            short(row["width"]) if row["width"] else "?",
            number(row["l0"], 0) if row["l0"] is not None else "",
            f"{row['megabytes']:,.0f} MB" if row["megabytes"] else "?",
            *([Text(shown(row["note"]), style="dim" if row["loads"] else "red")] if notes else []),
        )
    return drawn


def _widths(widths: list[int]) -> str:
    texts = [short(width) for width in widths]
    return ", ".join(texts) if len(texts) <= 3 else f"{texts[0]} … {texts[-1]}"


def short(width: int) -> str:
    """Return a number of features as people write it.

    >>> short(16384), short(24576), short(1048576)
    ('16k', '24,576', '1m')
    """
    if width >= 4096 and width & (width - 1) == 0:
        thousands = width // 1000
        return f"{thousands}k" if thousands < 1000 else f"{thousands // 1000}m"
    return f"{width:,}"
