"""Features in the terminal: moments, class and label, and their outermost tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from rich.table import Table

from unembed.numerals import number
from unembed.terminal.text import line, longest, tokens

_LABEL = 26
"""Characters of a label that a narrow terminal keeps."""
ENDS = {"top": ("promotes", "green"), "bottom": ("suppresses", "red")}


def table(
    frame: pl.DataFrame,
    *,
    title: str | None = None,
    ends: Sequence[str] = ("top", "bottom"),
    n_tokens: int = 5,
) -> Table:
    """Return features as a table: moments, class and label where known, and outermost tokens.

    Args:
        frame: as `questions.list_features` returns it.
        title: above the table.
        ends: which tokens to show, `top` or `bottom` or both.
        n_tokens: how many at each end.

    Where some of them were steered: the correlation of the change of the logits with the logit
    weights, the worst rank of a set of the label among matched ones, and the output score S.
    """
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
    drawn.add_column("feature", style="bold", no_wrap=True)
    for name in ("std", "skew", "kurt"):
        drawn.add_column(name, justify="right", no_wrap=True)
    classed = frame["class"].null_count() < frame.height
    if classed:
        drawn.add_column("class", no_wrap=True)
        drawn.add_column("label", min_width=min(_LABEL, longest(frame["label"].drop_nulls())))
    steered = "output_score" in frame.columns and frame["output_score"].count() > 0
    if steered:
        for name in ("steered", "rank", "S"):
            drawn.add_column(name, justify="right", no_wrap=True)
    for end in ends:
        heading, style = ENDS[end]
        drawn.add_column(heading, style=style)
    for row in frame.iter_rows(named=True):
        drawn.add_row(
            row["feature"],
            *(number(row[name]) for name in ("std", "skewness", "kurtosis")),
            *((row["class"], line(row["label"])) if classed else ()),
            *(_steered(row) if steered else ()),
            *(tokens(row[f"{end}_tokens"], n_tokens) for end in ends),
        )
    return drawn


def _steered(row: dict[str, Any]) -> tuple[str, str, str]:
    """Return what a feature did when it was steered: correlation, worst rank, output score."""
    rank = row["steer_rank"]
    return (
        number(row["steer_correlation"]), "–" if rank is None else str(rank),
        number(row["output_score"]),
    )  # fmt: skip
