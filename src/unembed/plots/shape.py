"""Skewness against kurtosis: which features have tails, and on which side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed.errors import QueryError
from unembed.plots.cells import mass, points
from unembed.plots.density import Density, density, drawn_first, log_counts
from unembed.plots.labels import Box, add_labels
from unembed.plots.rows import features_of, hover_of
from unembed.plots.theme import (
    CLASS_COLOURS,
    FAINT,
    NEITHER,
    SEQUENTIAL,
    SMALL,
    finished,
    mixed_with_white,
)
from unembed.questions.banks import banks_by_layer, require_classes
from unembed.questions.run import Run

F64 = npt.NDArray[np.float64]

WIDTH, HEIGHT, LEFT, RIGHT = 900, 470, 70, 112
_SKEWNESS = (-100, -50, -20, -10, -5, -2, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_KURTOSIS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200, 500, 1000, 2000, 5000, 10_000)
_BETWEEN = {
    "skewness": (-0.7, -0.4, -0.3, -0.1, 0.1, 0.3, 0.4, 0.7),
    "kurtosis": (2.2, 2.4, 2.6, 2.8, 3.2, 3.5, 4.5, 6),
}
"""For axes that show few of the others."""
_ENOUGH = 5
_NEAR = 0.3
"""Within so much of the normal the axes are even, and logarithmic beyond."""


def shape(
    run: Run,
    *,
    color: Literal["std", "class"] = "std",
    bank: str | Sequence[str] | None = None,
    labels: int = 8,
) -> go.Figure:
    """Return the scatter of features by skewness and kurtosis of their logit weights.

    To the right lie features that promote few tokens strongly, to the left those that suppress
    few; high up, those whose tails are heavy. Dashed lines bound what random directions do.

    Args:
        run: any; with token sets for the classes and the dashed lines.
        color: by the standard deviation of the logit weights, or the class.
        bank: one or more banks; all unless given.
        labels: how many of the outermost features get their address.

    Raises:
        QueryError: when the run has no such bank, or no classes to colour by.
    """
    if color not in ("std", "class"):
        raise QueryError(f"Features are coloured by 'std' or 'class', not {color!r}.")
    if color == "class":
        require_classes(run)
    banks = banks_by_layer(run, bank)
    features = features_of(run, banks)
    x = on_axis(features["skewness"].to_numpy())
    y = on_axis(features["kurtosis"].to_numpy() - 3)
    right = RIGHT if color == "std" else 24
    box = box_of(x, y, right)
    outermost = _outermost(x, y)[: 3 * labels]
    named = drawn_first(len(x), outermost)
    found = density(x, y, box.x_range, box.y_range, first=named)
    figure = go.Figure()
    if color == "class":
        legend = _by_class(figure, run, features, x, y, found)
    else:
        legend = _by_std(figure, run, features, x, y, found)
    enveloped = _envelope(figure, features, box)
    around = box.pixels(x, y)[found.alone]
    add_labels(
        figure, x[outermost], y[outermost], features["feature"].gather(outermost).to_list(), box,
        obstacles=around, most=labels,
    )  # fmt: skip
    name_axes(figure, box)
    return finished(
        figure,
        title="Skewness and kurtosis of logit weights",
        subtitle=f"{run.model}: {len(x):,} features of {', '.join(banks)}",
        caption=_caption(found, enveloped, color),
        width=WIDTH, plot_height=HEIGHT, left=LEFT, right=right,
        legend=legend,
    )  # fmt: skip


def on_axis(excess: npt.ArrayLike) -> F64:
    """Return where values lie on an axis that is even near 0 and logarithmic far from it.

    Args:
        excess: skewness, or kurtosis less that of a normal, 3.
    """
    places: F64 = np.arcsinh(np.asarray(excess, np.float64) / _NEAR)
    return places


def box_of(x: F64, y: F64, right: int) -> Box:
    """Return the axes that hold all features.

    Args:
        x: of the features, as `on_axis` gives it.
        y: likewise.
        right: pixels that are kept free at the right.
    """
    reach = 1.06 * max(float(np.abs(x).max()), float(on_axis(0.5)))
    low, high = min(float(y.min()), float(on_axis(-0.3))), max(float(y.max()), float(on_axis(2)))
    pad = 0.05 * (high - low)
    return Box(WIDTH - LEFT - right, HEIGHT, (-reach, reach), (low - pad, high + pad))


def _outermost(x: F64, y: F64) -> npt.NDArray[np.int64]:
    """Return the features from the outside in: farthest from the middle, each axis by its reach."""
    across, up = (each / max(float(np.abs(each).max()), 1e-9) for each in (x, y))
    order: npt.NDArray[np.int64] = np.argsort(-np.hypot(across, up), kind="stable")
    return order


def _by_std(
    figure: go.Figure, run: Run, features: pl.DataFrame, x: F64, y: F64, found: Density
) -> list[str]:
    std = features["std"].to_numpy()
    if found.binned:
        figure.add_trace(mass(found, "features", colorbar_x=1.02))
    texts = hover_of(run, features.filter(found.alone))
    dots = points(x[found.alone], y[found.alone], texts, NEITHER, "features", showlegend=False)
    low, high = (float(end) for end in np.quantile(std, (0.01, 0.99)))
    dots.marker.update(
        color=std[found.alone].astype(np.float32), cmin=low, cmax=high, colorscale=SEQUENTIAL,
        showscale=True,
        colorbar={"title": {"text": "std of logit<br>weights", "font": {"size": SMALL}},
                  "thickness": 12, "x": 1.02, "len": 0.45, "y": 1,
                  "yanchor": "top", "outlinewidth": 0},
    )  # fmt: skip
    figure.add_trace(dots)
    return []


def _by_class(
    figure: go.Figure, run: Run, features: pl.DataFrame, x: F64, y: F64, found: Density
) -> list[str]:
    """Draw each cell in the colour of its most frequent class, the darker the more features.

    Returns:
        the legend's names.
    """
    classes = features["class"].to_numpy()
    names = [name for name in CLASS_COLOURS if (classes == name).any()]
    shape_ = found.counts.shape
    by_class = np.stack([
        np.bincount(found.cell[~found.alone & (classes == name)], minlength=found.counts.size)
        .reshape(shape_) for name in names
    ])  # fmt: skip
    most = by_class.argmax(0)
    said = _mixtures(by_class, names)
    darkest = max(float(log_counts(found.counts.max(initial=1))), 1.0)
    legend = [f"{name} ({int((classes == name).sum()):,})" for name in names]
    for at in reversed(range(len(names))):
        name, colour = names[at], CLASS_COLOURS[names[at]]
        mine = np.where(most == at, found.counts, 0)
        place: dict[str, Any] = {"legendgroup": name, "name": legend[at], "legendrank": at}
        if mine.any():
            figure.add_trace(
                go.Heatmap(
                    x=found.x, y=found.y, z=log_counts(mine).astype(np.float32), text=said,
                    zmin=0, zmax=darkest, hoverongaps=False, showscale=False,
                    colorscale=[[0, mixed_with_white(colour, 0.45)], [1, colour]],
                    customdata=mine, hovertemplate="%{text}<extra></extra>",
                    **place,
                )
            )  # fmt: skip
        own = found.alone & (classes == name)
        said_of = hover_of(run, features.filter(own))
        dots = points(x[own], y[own], said_of, colour, **place)
        figure.add_trace(dots)
    return legend


def _mixtures(by_class: npt.NDArray[np.int64], names: list[str]) -> list[list[str]]:
    """Return what is said of each cell: `12 diffuse, 3 prediction`."""
    said = np.full(by_class.shape[1:], "", object)
    for row, column in zip(*np.nonzero(by_class.sum(0)), strict=True):
        counts = by_class[:, row, column]
        order = np.argsort(-counts, kind="stable")
        said[row, column] = ", ".join(f"{counts[k]:,} {names[k]}" for k in order if counts[k])
    cells: list[list[str]] = said.tolist()
    return cells


def _envelope(figure: go.Figure, features: pl.DataFrame, box: Box) -> bool:
    """Draw the banks' cut-offs: a line, or a band from the lowest to the highest of them."""
    of_banks = features.group_by("bank").agg(
        pl.col("kurtosis_above", "skewness_below", "skewness_above").first()
    )
    if of_banks["kurtosis_above"].null_count() == of_banks.height:
        return False
    ends = {name: (float(of_banks[name].min()), float(of_banks[name].max()))  # type: ignore[arg-type]
            for name in of_banks.columns if name != "bank"}  # fmt: skip
    low, high = (float(end) for end in on_axis(np.array(ends["kurtosis_above"]) - 3))
    _band(figure, *box.x_range, low, high)
    for name in ("skewness_below", "skewness_above"):
        left, right = (float(end) for end in on_axis(ends[name]))
        _band(figure, left, right, low, box.y_range[1])
    return True


def _band(figure: go.Figure, x0: float, x1: float, y0: float, y1: float) -> None:
    figure.add_shape(
        type="line" if x0 == x1 or y0 == y1 else "rect", x0=x0, x1=x1, y0=y0, y1=y1,
        fillcolor="rgba(60,60,60,0.12)", layer="above", name="envelope",
        line={"color": FAINT, "width": 1, "dash": "4px,3px"},
    )  # fmt: skip


def axis_ticks(
    column: str, limits: tuple[float, float], room: float = 1.0
) -> dict[str, list[float] | list[str]]:
    """Return `tickvals` and `ticktext` of an axis that `on_axis` gives.

    Args:
        column: whose axis it is.
        limits: of the axis.
        room: its length as a share of a whole figure's; with less, fewer ticks.
    """
    ticks, normal = (_SKEWNESS, 0) if column == "skewness" else (_KURTOSIS, 3)
    apart = (limits[1] - limits[0]) / (16 * room)
    shown: dict[float, float] = {}
    for some in (ticks, _BETWEEN[column]):
        if len(shown) >= _ENOUGH:
            break
        for tick in sorted(some, key=lambda tick: abs(tick - normal)):
            place = float(on_axis(tick - normal))
            inside = limits[0] <= place <= limits[1]
            if inside and all(abs(place - other) >= apart for other in shown.values()):
                shown[tick] = place
    ordered = sorted(shown.items())
    return {
        "tickvals": [place for _, place in ordered],
        "ticktext": [f"{tick:,g}".replace("-", "−") for tick, _ in ordered],
    }


def name_axes(figure: go.Figure, box: Box) -> None:
    """Give a figure the axes of skewness and kurtosis."""
    for axis, column, normal, limits in (
        (figure.layout.xaxis, "skewness", 0, box.x_range),
        (figure.layout.yaxis, "kurtosis", 3, box.y_range),
    ):
        axis.update(
            title=f"{column} of logit weights (no unit; normal = {normal})", range=list(limits),
            **axis_ticks(column, limits),
        )  # fmt: skip


def _caption(found: Density, enveloped: bool, color: str) -> str:
    parts = [found.note("feature")]
    if found.binned and color == "class":
        parts.append("A cell has the colour of its most frequent class.")
    if enveloped:
        parts.append(
            "Dashed: what random directions like each bank's stay below (kurtosis) and between "
            "(skewness). Above, tails are heavy, to the right the right one, to the left the left."
        )
        if color == "class":
            parts.append("Classes judge each tail by itself: they need not end at the lines.")
    parts.append("Both axes are even near the normal and logarithmic far from it.")
    return " ".join(parts)
