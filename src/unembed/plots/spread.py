"""Boxes of skewness and kurtosis by bank, as in the post's appendix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from unembed.plots.classes import bank_ticks, width_for
from unembed.plots.rows import features_of
from unembed.plots.shape import axis_ticks, on_axis
from unembed.plots.theme import FAINT, PROMOTES, escaped, finished, mixed_with_white
from unembed.questions.banks import banks_by_layer, spread_by_bank
from unembed.questions.run import Run

_HEIGHT, _LEFT = 560, 70
PANELS = {"skewness": (0.53, 1.0), "kurtosis": (0.0, 0.47)}
NORMAL = {"skewness": 0, "kurtosis": 3}
_PERCENTILES = (1, 25, 50, 75, 99)


def spread(run: Run, *, bank: str | Sequence[str] | None = None) -> go.Figure:
    """Return boxes of the skewness and kurtosis of each bank's features, by layer.

    A box goes from the 25th to the 75th percentile with the median in it, its whiskers to the 1st
    and 99th; dots are the least and the most. Dashes are what random directions stay within.

    Args:
        run: any; with token sets for the dashes.
        bank: one or more banks; all unless given.

    Raises:
        QueryError: when the run has no such bank.
    """
    banks = banks_by_layer(run, bank)
    features = features_of(run, banks)
    figure = go.Figure()
    for axis, column in enumerate(PANELS):
        _boxes(figure, run, banks, column, "y" if axis == 0 else "y2")
        _cut_offs(figure, features, banks, column, "y" if axis == 0 else "y2")
    _axes(figure, run, features, banks)
    dashed = features["kurtosis_above"].null_count() < features.height
    return finished(
        figure,
        title="Skewness and kurtosis by layer",
        subtitle=f"{run.model}: {features.height:,} features in {len(banks)} banks",
        caption=(
            "Boxes: 25th to 75th percentile, with the median; whiskers: 1st and 99th percentile; "
            "dots: least and most."
            + (" Dashes: what random directions like the bank's stay within." if dashed else "")
            + " Both axes are even near the normal and logarithmic far from it."
        ),
        width=width_for(banks), plot_height=_HEIGHT, left=_LEFT, below=74,
    )  # fmt: skip


def percentiles_of(
    run: Run, banks: Sequence[str], column: str, percentiles: Sequence[int]
) -> pl.DataFrame:
    """Return one row a bank, in their order: a column's percentiles `p0`, `p1` …, min, max."""
    rows = (
        spread_by_bank(run)
        .drop_nulls(f"{column}_min")
        .select(
            "bank",
            *(pl.col(f"{column}_p{each}").alias(f"p{at}") for at, each in enumerate(percentiles)),
            pl.col(f"{column}_min").alias("min"),
            pl.col(f"{column}_max").alias("max"),
        )
    )
    return pl.DataFrame({"bank": banks}).join(rows, on="bank", how="inner", maintain_order="left")


def _boxes(figure: go.Figure, run: Run, banks: Sequence[str], column: str, axis: str) -> None:
    rows = percentiles_of(run, banks, column, _PERCENTILES)
    normal = NORMAL[column]
    low, q1, median, q3, high = (
        on_axis(rows[f"p{at}"].to_numpy() - normal) for at in range(len(_PERCENTILES))
    )
    x = [banks.index(name) for name in rows["bank"]]
    figure.add_trace(
        go.Box(
            x=x, lowerfence=low, q1=q1, median=median, q3=q3, upperfence=high, yaxis=axis,
            name=column, showlegend=False, width=0.5, whiskerwidth=0.5,
            line={"color": PROMOTES, "width": 1.5}, fillcolor=mixed_with_white(PROMOTES, 0.25),
            hoverinfo="skip",
        )
    )  # fmt: skip
    said = [_said(row, column) for row in rows.iter_rows(named=True)]
    for end in ("min", "max"):
        figure.add_trace(
            go.Scatter(
                x=x, y=on_axis(rows[end].to_numpy() - normal), yaxis=axis, mode="markers",
                marker={"color": PROMOTES, "size": 5}, name=f"{end} {column}", showlegend=False,
                text=said, hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip


def _said(row: dict[str, float], column: str) -> str:
    shares = ", ".join(f"{each}%: {row[f'p{at}']:.2f}" for at, each in enumerate(_PERCENTILES))
    ends = f"least {row['min']:.2f}, most {row['max']:.2f}"
    return f"<b>{escaped(str(row['bank']))}</b> {column}<br>{shares}<br>{ends}"


def _cut_offs(
    figure: go.Figure, features: pl.DataFrame, banks: Sequence[str], column: str, axis: str
) -> None:
    names = ["skewness_below", "skewness_above"] if column == "skewness" else ["kurtosis_above"]
    rows = features.group_by("bank").agg(pl.col(names).first())
    for row in rows.iter_rows(named=True):
        at = banks.index(row["bank"])
        for name in names:
            if row[name] is not None:
                height = float(on_axis(row[name] - NORMAL[column]))
                figure.add_shape(
                    type="line", x0=at - 0.4, x1=at + 0.4, y0=height, y1=height, yref=axis,
                    line={"color": FAINT, "width": 1.5, "dash": "4px,3px"}, name="envelope",
                )  # fmt: skip


def _axes(figure: go.Figure, run: Run, features: pl.DataFrame, banks: Sequence[str]) -> None:
    figure.update_xaxes(
        title="bank, by layer", tickvals=list(range(len(banks))), ticktext=bank_ticks(run, banks),
        range=[-0.5, len(banks) - 0.5], anchor="y2", showgrid=False,
    )  # fmt: skip
    set_panels(figure, {name: (features[name].min(), features[name].max()) for name in PANELS})


def set_panels(figure: go.Figure, ends: Mapping[str, tuple[Any, Any]]) -> None:
    """Give a figure the axes of `PANELS`, one above the other.

    Args:
        figure: with traces on `y` and `y2`.
        ends: the least and the largest value that each shows.
    """
    for axis, (column, domain) in zip(("yaxis", "yaxis2"), PANELS.items(), strict=True):
        normal = NORMAL[column]
        low, high = (float(end) for end in on_axis(np.array(ends[column], np.float64) - normal))
        room = 0.06 * (high - low or 1)
        limits = (low - room, high + room)
        figure.update_layout(
            {axis: {**axis_ticks(column, limits, domain[1] - domain[0]), "domain": list(domain),
                    "range": list(limits), "anchor": "x",
                    "title": f"{column} (no unit; normal = {normal})"}}
        )  # fmt: skip
