"""Features that a search found, in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from unembed.numerals import number, power
from unembed.terminal.text import line, tokens


def _signed(digits: int) -> Callable[[float], Text]:
    return lambda value: Text(f"{value:+.{digits}f}", style="green" if value > 0 else "red")


_SCORES: dict[str, tuple[str, Callable[[Any], Text | str]]] = {
    "set_z": ("set z", _signed(1)),
    "set_log10_q": ("q", power),
    "contrast_z": ("contrast z", _signed(1)),
    "contrast_log10_q": ("q", power),
    "token_z": ("token z", _signed(1)),
    "token_weight": ("weight", lambda value: number(value, 2)),
    "token_rank": ("rank", lambda value: f"{value:,}" if value is not None else ""),
    "cosine": ("cosine", _signed(2)),
}
_ENDS = {"top": "green", "bottom": "red"}


def table(found: pl.DataFrame, *, n_tokens: int = 6) -> Table:
    """Return what was found as a table: class, scores, label, and the tokens that tell most.

    Those are the promoted ones, in green, or where the first score is negative the suppressed
    ones, in red; without a score that has such a sign, those of the heavier tail.

    Args:
        found: as `unembed.find` returns it.
        n_tokens: how many tokens.
    """
    scores = [name for name in _SCORES if name in found.columns]
    classed = found["class"].null_count() < found.height
    first = scores[0] if scores and scores[0] != "cosine" else "skewness"
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("feature", style="bold", no_wrap=True)
    for name in scores:
        drawn.add_column(_SCORES[name][0], justify="right", no_wrap=True)
    if not scores:
        drawn.add_column("kurt", justify="right", no_wrap=True)
    if classed:
        drawn.add_column("class", no_wrap=True)
        drawn.add_column("label", ratio=3)
    drawn.add_column("tokens", ratio=2)
    for row in found.iter_rows(named=True):
        negative = (row[first] or 0) < 0
        drawn.add_row(
            row["feature"],
            *(_SCORES[name][1](row[name]) for name in scores),
            *([] if scores else [number(row["kurtosis"])]),
            *([row["class"], line(row["label"])] if classed else []),
            _tokens(row, "bottom" if negative else "top", n_tokens),
        )
    return drawn


def _tokens(row: dict[str, Any], end: str, n_tokens: int) -> Text:
    drawn = tokens(row[f"{end}_tokens"], n_tokens)
    drawn.stylize(_ENDS[end])
    return drawn
