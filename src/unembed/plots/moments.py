"""Histograms of skewness and of log kurtosis over features, as in the post's notebook."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from unembed.plots.rows import features_of
from unembed.plots.spread import NORMAL
from unembed.plots.theme import FAINT, SEQUENTIAL, SET_COLOURS, escaped, finished
from unembed.questions.banks import banks_by_layer
from unembed.questions.run import Run

F64 = npt.NDArray[np.float64]

_WIDTH, _HEIGHT, _LEFT = 900, 560, 76
_BINS = 120
_KURTOSIS = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_PANELS = {"skewness": (0.58, 1.0), "kurtosis": (0.0, 0.42)}


def moments(run: Run, *, bank: str | Sequence[str] | None = None) -> go.Figure:
    """Return histograms of the skewness and of the logarithm of the kurtosis, a line a bank.

    Shares of each bank's features, on a logarithmic scale, so that banks of any size can be
    compared, and single features seen.

    Args:
        run: any.
        bank: one or more banks; all unless given.

    Raises:
        QueryError: when the run has no such bank.
    """
    banks = banks_by_layer(run, bank)
    features = features_of(run, banks)
    figure = go.Figure()
    for axis, column in zip(("", "2"), _PANELS, strict=True):
        values = _on_axis(features[column].to_numpy(), column)
        edges = np.linspace(float(values.min()), float(values.max()) + 1e-9, _BINS + 1)
        for name, colour in zip(banks, _colours(len(banks)), strict=True):
            own = values[features["bank"].eq(name).to_numpy()]
            if len(own):
                _line(figure, np.histogram(own, edges)[0], edges, (column, name, colour, axis))
        _axes(figure, column, axis, edges)
    most = int(features.group_by("bank").len()["len"].max())  # type: ignore[arg-type]
    shares = {"title": "features (%)", "type": "log", "range": [float(np.log10(50 / most)), 2],
              "tickvals": [10.0**k for k in range(-4, 3)], "tickformat": "~r"}  # fmt: skip
    figure.update_layout(yaxis=shares, yaxis2=shares)
    return finished(
        figure,
        title="Skewness and kurtosis of logit weights, bank by bank",
        subtitle=f"{run.model}: {features.height:,} features in {len(banks)} banks",
        caption=(
            f"The share of each bank's features in each of {_BINS} bins, on a logarithmic scale, "
            "so that single features can be seen. Dotted: a normal distribution. Bins of kurtosis "
            "are even in its logarithm."
        ),
        width=_WIDTH, plot_height=_HEIGHT, left=_LEFT, legend=banks,
    )  # fmt: skip


def _on_axis(values: F64, column: str) -> F64:
    return np.log10(values) if column == "kurtosis" else values


def _colours(n: int) -> list[str]:
    """Return a colour a bank: of few banks that can be told apart, of many from first to last."""
    if n <= len(SET_COLOURS):
        return list(SET_COLOURS[:n])
    return [str(colour) for colour in sample_colorscale(SEQUENTIAL, np.linspace(0, 1, n).tolist())]


def _line(
    figure: go.Figure, counts: npt.NDArray[np.int64], edges: F64, look: tuple[str, str, str, str]
) -> None:
    """Draw one bank's histogram as an outline; what pointing at it says are counts."""
    column, name, colour, axis = look
    shares = 100 * counts / counts.sum()
    figure.add_trace(
        go.Scatter(
            x=(edges[1:] + edges[:-1]) / 2, y=np.where(counts, shares, None), mode="lines+markers",
            line={"color": colour, "width": 1.5, "shape": "hvh"}, marker={"size": 3.5},
            name=escaped(name), legendgroup=name, showlegend=not axis, xaxis=f"x{axis}",
            yaxis=f"y{axis}", customdata=counts,
            hovertemplate=f"<b>{escaped(name)}</b>: %{{customdata:,}} features "
                          f"(%{{y:.3g}} %)<extra>{column}</extra>",
        )
    )  # fmt: skip


def _axes(figure: go.Figure, column: str, axis: str, edges: F64) -> None:
    normal = float(_on_axis(np.array([float(NORMAL[column])]), column)[0])
    limits = [float(edges[0]), float(edges[-1])]
    room = 0.02 * (limits[1] - limits[0] or 1)
    said = {"title": f"{column} of logit weights (no unit; normal = {NORMAL[column]})",
            "range": [limits[0] - room, limits[1] + room], "anchor": f"y{axis}"}  # fmt: skip
    if column == "kurtosis":
        said |= {
            "tickvals": np.log10(_KURTOSIS).tolist(),
            "ticktext": [f"{k:,}" for k in _KURTOSIS],
        }
    figure.update_layout({f"xaxis{axis}": said})
    figure.update_layout({f"yaxis{axis}": {"domain": list(_PANELS[column]), "anchor": f"x{axis}"}})
    figure.add_shape(
        type="line", x0=normal, x1=normal, y0=0, y1=1, xref=f"x{axis}", yref=f"y{axis} domain",
        line={"color": FAINT, "width": 1, "dash": "2px,3px"}, layer="below", name="normal",
    )  # fmt: skip
