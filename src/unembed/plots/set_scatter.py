"""One token set against another: z of both in every feature, as in the post's study of names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed.errors import QueryError
from unembed.plots.cells import mass, points
from unembed.plots.density import Density, density, drawn_first
from unembed.plots.labels import Box, add_labels
from unembed.plots.rows import in_quotes
from unembed.plots.theme import BOTH, FAINT, NEITHER, PROMOTES, SUPPRESSES, escaped, finished
from unembed.plots.threshold import max_q_of, percent
from unembed.questions.banks import banks_by_layer
from unembed.questions.run import Run

F64 = npt.NDArray[np.float64]

_WIDTH, _SIDE, _LEFT, _RIGHT = 780, 560, 84, 136
_MAIN = 0.86
"""The share of the width and the height that the scatter takes; the margins take the rest."""
_GAP = 0.015
_BINS = 90


def set_scatter(
    run: Run,
    first: str,
    second: str,
    *,
    bank: str | Sequence[str] | None = None,
    labels: int = 10,
) -> go.Figure:
    """Return z of one token set against z of another over all features, with both marginals.

    Features on the diagonal do the same to both; far from it, they tell one from the other.

    Args:
        run: with token sets.
        first: a set's name or alias, along x.
        second: likewise, along y.
        bank: one or more banks; all unless given.
        labels: how many features get their address and outermost token.

    Raises:
        QueryError: when the run has no such set or bank, or the two are the same set.
    """
    banks = banks_by_layer(run, bank)
    pairs = _both(run, first, second, banks)
    x, y = (pairs[column].to_numpy().astype(np.float64) for column in ("z", "z_second"))
    limits = _limits(np.concatenate([x, y]))
    box = Box((_WIDTH - _LEFT - _RIGHT) * _MAIN, _SIDE * _MAIN, limits, limits)
    max_q = max_q_of(run)
    significant = np.logical_or(*_passes(pairs, max_q))
    outermost = _outermost(x, y, significant)
    kept = drawn_first(len(x), outermost[:labels], significant)
    found = density(x, y, limits, limits, cells=(100, 100), first=kept)
    figure = go.Figure()
    if found.binned:
        figure.add_trace(mass(found, "features", colorbar_x=1.02))
    names = (pairs["token_set"][0], pairs["token_set_second"][0])
    _dots(figure, run, pairs, found, names, max_q)
    _diagonal(figure, limits)
    _marginals(figure, x, y, limits)
    add_labels(
        figure, x[outermost], y[outermost], _texts(run, pairs, outermost[: 3 * labels]), box,
        obstacles=box.pixels(x, y)[found.alone], most=labels,
    )  # fmt: skip
    _axes(figure, names, pairs, limits)
    apart = "" if len(banks) > 6 else f" of {', '.join(banks)}"
    return finished(
        figure,
        title=f"{names[0]} against {names[1]}",
        subtitle=f"{run.model}: {pairs.height:,} features{apart}",
        caption=(
            f"{found.note('feature')} Coloured: significant at a false discovery rate of "
            f"{percent(max_q)} over all pairs of its bank. On the dotted diagonal a feature does "
            "the same to both sets. Marginals count all features, on a logarithmic scale."
        ),
        width=_WIDTH, plot_height=_SIDE, left=_LEFT, right=_RIGHT, 
        legend=[trace.name for trace in figure.data if trace.type == "scattergl"],
    )  # fmt: skip


def _both(run: Run, first: str, second: str, banks: Sequence[str]) -> pl.DataFrame:
    """Return one row a feature: the scores of both sets, the second's with `_second`."""
    columns = ["feature", "token_set", "size", "z", "log10_q"]
    one, other = (
        run.enrichment(token_set=name, bank=banks).select(columns) for name in (first, second)
    )
    if one["token_set"][0] == other["token_set"][0]:
        raise QueryError(f"{first!r} and {second!r} are the same token set: name two.")
    return one.join(other, on="feature", suffix="_second", maintain_order="left")


def _limits(z: F64) -> tuple[float, float]:
    """Return the range of both axes."""
    low, high = min(float(z.min(initial=0)), -3.0), max(float(z.max(initial=0)), 3.0)
    pad = 0.07 * (high - low)
    return low - pad, high + pad


def _passes(pairs: pl.DataFrame, max_q: float) -> npt.NDArray[np.bool_]:
    """Return [2, n] whether each set is significant in each feature."""
    limit = np.log10(max_q)
    columns = (pairs["log10_q"].to_numpy(), pairs["log10_q_second"].to_numpy())
    return np.stack([column <= limit for column in columns])


def _outermost(x: F64, y: F64, significant: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return features, the significant first, from the outside in.

    Far from the middle, and twice as much from the diagonal.
    """
    out = np.hypot(x + y, 2 * (x - y))
    order: npt.NDArray[np.int64] = np.lexsort((-out, ~significant))
    return order


def _dots(
    figure: go.Figure, run: Run, pairs: pl.DataFrame, found: Density, names: tuple[str, str],
    max_q: float,
) -> None:  # fmt: skip
    one, other = _passes(pairs, max_q)
    groups = [
        ("neither", NEITHER, ~one & ~other),
        (f"{names[0]} only", PROMOTES, one & ~other),
        (f"{names[1]} only", SUPPRESSES, ~one & other),
        ("both", BOTH, one & other),
    ]
    for name, colour, of_group in groups:
        chosen = pairs.filter(found.alone & of_group)
        if chosen.height:
            said = [
                f"<b>{escaped(feature)}</b><br>{escaped(names[0])}: z {z:+.1f}<br>"
                f"{escaped(names[1])}: z {z_second:+.1f}"
                for feature, z, z_second in chosen.select("feature", "z", "z_second").iter_rows()
            ]
            total = int(of_group.sum())
            x, y = chosen["z"].to_numpy(), chosen["z_second"].to_numpy()
            dots = points(x, y, said, colour, escaped(f"{name} ({total:,})"))
            figure.add_trace(dots)


def _texts(run: Run, pairs: pl.DataFrame, rows: npt.NDArray[np.int64]) -> list[str]:
    """Return the address and the outermost token of features: on the side that is stronger."""
    texts = []
    for feature, z, z_second in pairs[rows].select("feature", "z", "z_second").iter_rows():
        row = run.feature(feature)
        strongest = z if abs(z) >= abs(z_second) else z_second
        tokens = row["top_tokens" if strongest > 0 else "bottom_tokens"] or []
        texts.append(f"{feature} {in_quotes(tokens[:1])}")
    return texts


def _diagonal(figure: go.Figure, limits: tuple[float, float]) -> None:
    low, high = limits
    ends = {"x0": low, "y0": low, "x1": high, "y1": high}
    figure.add_shape(
        type="line", **ends, layer="below", name="diagonal",
        line={"color": FAINT, "width": 1, "dash": "2px,3px"},
    )  # fmt: skip


def _marginals(figure: go.Figure, x: F64, y: F64, limits: tuple[float, float]) -> None:
    edges = np.linspace(*limits, _BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    width = edges[1] - edges[0]
    look = {"marker": {"color": "#8c8c8c", "line": {"width": 0}}, "showlegend": False}
    for values, across in ((x, True), (y, False)):
        counts = np.histogram(values, edges)[0]
        along = {"x": middles, "y": counts} if across else {"y": middles, "x": counts}
        axes = {"yaxis": "y2"} if across else {"xaxis": "x2", "orientation": "h"}
        figure.add_trace(
            go.Bar(**along, **axes, **look, width=width, name="features",
                   hovertemplate=f"%{{{'y' if across else 'x'}:,}} features<extra></extra>")
        )  # fmt: skip


def _axes(
    figure: go.Figure, names: tuple[str, str], pairs: pl.DataFrame, limits: tuple[float, float]
) -> None:
    zero = {"zeroline": True, "zerolinecolor": "#cfcfcf", "zerolinewidth": 1}
    for axis, name, size in (
        (figure.layout.xaxis, names[0], pairs["size"][0]),
        (figure.layout.yaxis, names[1], pairs["size_second"][0]),
    ):
        axis.update(title=f"z of {escaped(name)}, {size:,} tokens (null standard deviations)",
                    range=list(limits), domain=[0, _MAIN], **zero)  # fmt: skip
    counts = {
        "type": "log", "domain": [_MAIN + _GAP, 1], "showgrid": False, "showline": False,
        "range": [np.log10(0.7), np.log10(2 * max(pairs.height, 10))],
        "tickvals": [10, 1000, 100_000], "ticktext": ["10", "1k", "100k"],
        "tickfont": {"size": 10}, "title": {"text": "features", "font": {"size": 10}},
    }  # fmt: skip
    figure.update_layout(xaxis2={**counts, "anchor": "y"}, yaxis2={**counts, "anchor": "x"})
    figure.update_layout(bargap=0)
