"""Percentiles of skewness and kurtosis against the layer, a line for each kind of bank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import polars as pl

from unembed.errors import QueryError
from unembed.plots.rows import features_of
from unembed.plots.shape import on_axis
from unembed.plots.spread import NORMAL, PANELS, percentiles_of, set_panels
from unembed.plots.theme import SET_COLOURS, escaped, finished, rgba
from unembed.questions.banks import PERCENTILES, banks_by_layer, by_depth
from unembed.questions.run import Run

_WIDTH, _HEIGHT, _LEFT, _RIGHT = 860, 560, 70, 60


def percentiles(run: Run, *, bank: str | Sequence[str] | None = None) -> go.Figure:
    """Return the percentiles of features' skewness and kurtosis against the layer.

    A line for the median of each kind of bank (`mlp` of `mlp.20`, `mlp.26` …), bands around it to
    the 25th and 75th, 5th and 95th, 1st and 99th percentile.

    Args:
        run: any with banks of known layers.
        bank: one or more banks; all unless given.

    Raises:
        QueryError: when the run has no such bank, or no layer is known.
    """
    layers = {bank.name: bank.layer for bank in run.manifest.banks}
    banks = [name for name in banks_by_layer(run, bank) if layers[name] is not None]
    if not banks:
        raise QueryError(
            f"No layer is known of the banks {', '.join(run.banks)}: there is no axis to put them "
            "on. `unembed.plots.spread` draws them side by side."
        )
    features = features_of(run, banks)
    kind_of = dict(by_depth(run).select("bank", "kind").iter_rows())
    kinds = list(dict.fromkeys(kind_of[name] for name in banks))
    figure = go.Figure()
    for axis, column in zip(("y", "y2"), PANELS, strict=True):
        for at, kind in enumerate(kinds):
            of_kind = [name for name in banks if kind_of[name] == kind]
            rows = percentiles_of(run, of_kind, column, PERCENTILES)
            _fan(figure, rows, column, axis, escaped(kind), SET_COLOURS[at % len(SET_COLOURS)],
                 [layers[name] for name in rows["bank"]])  # fmt: skip
    _axes(figure, features, [layers[name] for name in banks])
    return finished(
        figure,
        title="Percentiles of skewness and kurtosis by layer",
        subtitle=f"{run.model}: {features.height:,} features in {len(banks)} banks",
        caption=(
            "Lines: medians. Bands, from dark to light: 25th to 75th, 5th to 95th and 1st to 99th "
            "percentile; a kind of bank with one layer has bars in their place. Both axes are even "
            "near the normal and logarithmic far from it."
        ),
        width=_WIDTH, plot_height=_HEIGHT, left=_LEFT, right=_RIGHT, legend=kinds,
    )  # fmt: skip


def _fan(
    figure: go.Figure, rows: pl.DataFrame, column: str, axis: str, kind: str, colour: str,
    layers: Sequence[int | None],
) -> None:  # fmt: skip
    normal = NORMAL[column]
    places = [on_axis(rows[f"p{at}"].to_numpy() - normal) for at in range(len(PERCENTILES))]
    last = len(PERCENTILES) - 1
    for at, opacity in enumerate((0.15, 0.25, 0.4)):
        low, high = places[at], places[last - at]
        if rows.height > 1:
            figure.add_trace(
                go.Scatter(
                    x=[*layers, *reversed(layers)], y=np.concatenate([low, high[::-1]]), yaxis=axis,
                    fill="toself", fillcolor=rgba(colour, opacity), line={"width": 0},
                    mode="lines", hoverinfo="skip", showlegend=False, legendgroup=kind,
                    name=f"{kind} {PERCENTILES[at]} to {PERCENTILES[last - at]} %",
                )
            )  # fmt: skip
        else:
            figure.add_trace(
                go.Scatter(
                    x=[layers[0], layers[0]], y=[low[0], high[0]], yaxis=axis, mode="lines",
                    line={"width": 12, "color": rgba(colour, opacity)}, hoverinfo="skip",
                    showlegend=False, legendgroup=kind,
                    name=f"{kind} {PERCENTILES[at]} to {PERCENTILES[last - at]} %",
                )
            )  # fmt: skip
    said = [
        f"<b>{escaped(row['bank'])}</b> {column}<br>"
        + "<br>".join(f"{each}%: {row[f'p{at}']:.2f}" for at, each in enumerate(PERCENTILES))
        for row in rows.iter_rows(named=True)
    ]
    figure.add_trace(
        go.Scatter(
            x=list(layers), y=places[last // 2], yaxis=axis, mode="lines+markers", name=kind,
            legendgroup=kind, showlegend=axis == "y", line={"color": colour, "width": 2},
            marker={"size": 6}, text=said, hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip


def _axes(figure: go.Figure, features: pl.DataFrame, layers: Sequence[int | None]) -> None:
    known = sorted({layer for layer in layers if layer is not None})
    pad = max(0.04 * (known[-1] - known[0]), 0.6)
    figure.update_xaxes(
        title="layer", range=[known[0] - pad, known[-1] + pad], anchor="y2",
        **({"tickvals": known} if len(known) <= 24 else {}),
    )  # fmt: skip
    ends = {}
    for column in PANELS:
        by_bank = features.group_by("bank").agg(
            low=pl.col(column).quantile(0.01, interpolation="linear"),
            high=pl.col(column).quantile(0.99, interpolation="linear"),
        )
        ends[column] = (by_bank["low"].min(), by_bank["high"].max())
    set_panels(figure, ends)
