"""Skewness against kurtosis, bank after bank: the scatter that moves through the layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed.errors import QueryError
from unembed.plots.animation import moving
from unembed.plots.cells import mass, points
from unembed.plots.density import Density, density, log_counts
from unembed.plots.labels import Box
from unembed.plots.rows import features_of, hover_of
from unembed.plots.shape import HEIGHT, LEFT, RIGHT, WIDTH, box_of, name_axes, on_axis
from unembed.plots.theme import CLASS_COLOURS, FAINT, NEITHER, SEQUENTIAL, SMALL, finished
from unembed.questions.banks import banks_by_layer, require_classes
from unembed.questions.run import Run

F64 = npt.NDArray[np.float64]


def shape_by_layer(
    run: Run, *, color: Literal["std", "class"] = "std", bank: str | Sequence[str] | None = None
) -> go.Figure:
    """Return the scatter of skewness and kurtosis with a frame for each bank, by layer.

    All frames have the same axes and colours. A slider chooses one, a button plays them;
    `unembed.plots.animation.stills` gives them one by one, for files.

    Args:
        run: any; with token sets for the classes and the dashed lines.
        color: by the standard deviation of the logit weights, or the class.
        bank: one or more banks; all unless given.

    Raises:
        QueryError: when the run has no such bank, or no classes to colour by.
    """
    if color not in ("std", "class"):
        raise QueryError(f"Features are coloured by 'std' or 'class', not {color!r}.")
    if color == "class":
        require_classes(run)
    features = features_of(run, banks_by_layer(run, bank))
    banks = [name for name in banks_by_layer(run, bank) if (features["bank"] == name).any()]
    right = RIGHT if color == "std" else 24
    box = box_of(*_places(features), right)
    of_banks = [features.filter(bank=name) for name in banks]
    found = [density(*_places(each), box.x_range, box.y_range) for each in of_banks]
    darkest = max(max(float(log_counts(each.counts.max(initial=1))) for each in found), 1.0)
    ends = np.quantile(features["std"].to_numpy(), (0.01, 0.99))
    classes = [name for name in CLASS_COLOURS if (features["class"] == name).any()]
    frames = []
    for name, own, dense in zip(banks, of_banks, found, strict=True):
        cells = mass(dense, "features", zmax=darkest, showscale=False)
        dots = (
            _by_std(run, own, dense, (float(ends[0]), float(ends[1])))
            if color == "std"
            else _by_class(run, own, dense, classes)
        )
        frames.append(go.Frame(name=name, data=[cells, _envelope(own, box), *dots]))
    figure = go.Figure(data=frames[0].data)
    name_axes(figure, box)
    drawn = finished(
        figure,
        title="Skewness and kurtosis of logit weights, bank after bank",
        subtitle=f"{run.model}: {features.height:,} features in {len(banks)} banks",
        caption=_caption(features, found),
        width=WIDTH, plot_height=HEIGHT, left=LEFT, right=right,
        legend=classes if color == "class" else (),
    )  # fmt: skip
    return moving(drawn, frames, what="bank")


def _places(features: pl.DataFrame) -> tuple[F64, F64]:
    return (
        on_axis(features["skewness"].to_numpy()),
        on_axis(features["kurtosis"].to_numpy() - 3),
    )


def _by_std(
    run: Run, features: pl.DataFrame, found: Density, ends: tuple[float, float]
) -> list[go.Scattergl]:
    x, y = _places(features)
    shown = features.filter(found.alone)
    dots = points(x[found.alone], y[found.alone], hover_of(run, shown), NEITHER, "features",
                  showlegend=False)  # fmt: skip
    dots.marker.update(
        color=shown["std"].to_numpy().astype(np.float32), cmin=ends[0], cmax=ends[1],
        colorscale=SEQUENTIAL, showscale=True,
        colorbar={"title": {"text": "std of logit<br>weights", "font": {"size": SMALL}},
                  "thickness": 12, "x": 1.02, "len": 0.45, "y": 1,
                  "yanchor": "top", "outlinewidth": 0},
    )  # fmt: skip
    return [dots]


def _by_class(
    run: Run, features: pl.DataFrame, found: Density, classes: Sequence[str]
) -> list[go.Scattergl]:
    """Return a trace a class, whether the bank has it or not: frames have the same traces."""
    x, y = _places(features)
    traces = []
    for name in classes:
        own = found.alone & (features["class"] == name).to_numpy()
        said = hover_of(run, features.filter(own))
        traces.append(points(x[own], y[own], said, CLASS_COLOURS[name], name))
    return traces


def _envelope(features: pl.DataFrame, box: Box) -> go.Scatter:
    """Return the dashed lines of one bank, as a trace, since a frame keeps the figure's shapes."""
    row = features.row(0, named=True)
    x: list[float | None] = [None]
    y: list[float | None] = [None]
    if row["kurtosis_above"] is not None:
        level = float(on_axis(row["kurtosis_above"] - 3))
        x, y = [*box.x_range], [level, level]
        for end in ("skewness_below", "skewness_above"):
            place = float(on_axis(row[end]))
            x, y = [*x, None, place, place], [*y, None, level, box.y_range[1]]
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": FAINT, "width": 1, "dash": "4px,3px"},
        hoverinfo="skip", showlegend=False, name="envelope",
    )  # fmt: skip


def _caption(features: pl.DataFrame, found: Sequence[Density]) -> str:
    binned = sum(each.binned for each in found)
    parts = ["Each dot is a feature."] if not binned else [
        f"Dots are features that stand alone; {binned:,} of all are counted in cells (logarithmic "
        "shades)."
    ]  # fmt: skip
    if features["kurtosis_above"].null_count() < features.height:
        parts.append(
            "Dashed: what random directions like the bank's stay below (kurtosis) and between "
            "(skewness)."
        )
    parts.append("Both axes are even near the normal and logarithmic far from it.")
    return " ".join(parts)
