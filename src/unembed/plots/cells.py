"""Traces that several figures draw: cells of counts, and points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from unembed.plots.density import Density, decades, log_counts
from unembed.plots.theme import GREYS, SMALL

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


def mass(found: Density, what: str, **more: Any) -> go.Heatmap:
    """Return the cells of a density in shades of grey, by the logarithm of their counts.

    Args:
        found: points and counts.
        what: is counted, such as `features`.
        **more: of the trace: its axes, the place of its colour bar.
    """
    ticks, texts = decades(int(found.counts.max(initial=1)))
    darkest = max(float(log_counts(found.counts.max(initial=1))), 1.0)
    return go.Heatmap(
        x=found.x, y=found.y, z=log_counts(found.counts).astype(np.float32),
        customdata=found.counts, colorscale=GREYS, zmin=0, zmax=darkest, hoverongaps=False,
        name=what,
        colorbar={"title": {"text": f"{what}<br>per cell", "font": {"size": SMALL}},
                  "tickvals": ticks, "ticktext": texts, "thickness": 12, "len": 0.45, "y": 0,
                  "yanchor": "bottom", "outlinewidth": 0},
        hovertemplate=f"%{{customdata:,}} {what}<extra></extra>",
    ).update(more)  # fmt: skip


def points(
    x: F32 | F64, y: F32 | F64, texts: Sequence[str], colour: str, name: str, **more: Any
) -> go.Scattergl:
    """Return points of one colour; without any, what still has its place in the legend.

    Args:
        x: of the points.
        y: of the points.
        texts: said when pointed at.
        colour: of all.
        name: in the legend.
        **more: of the trace.
    """
    marker = {"color": colour, "size": 5, "opacity": 0.8, "line": {"width": 0}}
    return go.Scattergl(
        x=_or_none(x), y=_or_none(y), mode="markers", name=name,
        marker=marker, text=list(texts), hovertemplate="%{text}<extra></extra>",
    ).update(more)  # fmt: skip


def _or_none(places: F32 | F64) -> F32 | list[None]:
    return places.astype(np.float32) if len(places) else [None]
