"""The running sum of token set enrichment analysis, with its leading edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed.enrichment.running_sum import RunningSum
from unembed.numerals import power
from unembed.outside.text import quoted
from unembed.plots.rows import about
from unembed.plots.theme import FAINT, NEITHER, PROMOTES, SUPPRESSES, escaped, finished
from unembed.plots.theme import mixed_with_white as tint
from unembed.questions.run import Run

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_WIDTH, _HEIGHT, _LEFT = 900, 480, 76
_CURVE, _STROKES = (0.40, 1.0), (0.28, 0.38)
_WEIGHTS = (0.0, 0.26)
_MOST = 2_000
"""Vertices of the curve, and strokes."""
_N_TOKENS = 8


def running_sum(run: Run, feature: str, token_set: str) -> go.Figure:
    """Return the running sum of a token set in a feature's ranking, with its leading edge.

    Above, the sum, which rises at each token of the set and falls at all others; its peak is the
    enrichment score. In the middle a stroke for each token of the set, below the logit weights in
    order. Weights are read again from where the run says they came from.

    Args:
        run: with token sets.
        feature: `bank/index`.
        token_set: a set's name or alias.

    Raises:
        QueryError: when the run has no such feature or set, or the feature writes nothing.
        SourceError: when its sources are not there any more, or changed.
    """
    found = run.running_sum(feature, token_set)
    pair = run.enrichment(feature, token_set=token_set).row(0, named=True)
    read = run.logit_weights(pair["feature"])
    colour = PROMOTES if found.es > 0 else SUPPRESSES
    n = len(read.weights)
    figure = go.Figure()
    _curve(figure, found, colour, n)
    texts = run.tokens["text"].gather(read.ids[found.rows])
    _strokes(figure, found, texts, colour)
    _ranked(figure, np.sort(read.weights)[::-1])
    _axes(figure, found, n)
    edge = int(found.in_leading_edge.sum())
    side = "at or before" if found.es > 0 else "after"
    scores = f"ES {found.es:+.3f} after {found.peak:,} of {n:,} tokens"
    z = f"z {pair['z']:+.1f}, q {power(pair['log10_q'])} by the direction test"
    return finished(
        figure,
        title=f"Running sum of {pair['token_set']} in {pair['feature']}",
        subtitle=about(run, pair["feature"]),
        caption=(
            f"{scores}; {z}. Leading edge (shaded): {edge:,} of {len(found.ranks):,} tokens of "
            f"the set are {side} the peak, {_named(found, texts)} {_hits(run)}"
        ).replace(" -", " −"),
        width=_WIDTH, plot_height=_HEIGHT, left=_LEFT,
    )  # fmt: skip


def _curve(figure: go.Figure, found: RunningSum, colour: str, n: int) -> None:
    at = _thinned(found.places, found.heights, n)
    figure.add_trace(
        go.Scatter(
            x=found.places[at], y=found.heights[at], mode="lines", name="running sum",
            line={"color": colour, "width": 2}, showlegend=False,
            hovertemplate="%{y:+.3f} after %{x:,} tokens<extra></extra>",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[found.peak], y=[found.es], mode="markers", name="peak", showlegend=False,
            marker={"color": colour, "size": 9, "line": {"color": "white", "width": 1.5}},
            hovertemplate="ES %{y:+.3f} after %{x:,} tokens<extra></extra>",
        )
    )  # fmt: skip
    start, stop = (0, found.peak) if found.es > 0 else (found.peak, n)
    figure.add_shape(
        type="rect", x0=start, x1=stop, y0=_STROKES[0], y1=1, yref="paper", layer="below",
        fillcolor=tint(colour, 0.10), line_width=0, name="leading edge",
    )  # fmt: skip
    left = found.peak < n / 2
    figure.add_annotation(
        x=found.peak, y=found.es, text=f"ES {found.es:+.3f}".replace("-", "−"), showarrow=False,
        xanchor="left" if left else "right", xshift=9 if left else -9,
        yanchor="bottom" if found.es > 0 else "top", font={"color": colour}, name="ES",
    )  # fmt: skip


def _thinned(places: I64, heights: F64, n: int) -> I64:
    """Return which vertices to draw: all, or the first, last, highest and lowest of each strip."""
    if len(places) <= _MOST:
        return np.arange(len(places))
    strip = places * (_MOST // 4) // (n + 1)
    order = np.lexsort((heights, strip))
    starts = np.flatnonzero(np.diff(strip, prepend=-1))
    stops = np.append(starts[1:], len(places)) - 1
    kept: I64 = np.unique(np.concatenate([starts, stops, order[starts], order[stops]]))
    return kept


def _strokes(figure: go.Figure, found: RunningSum, texts: pl.Series, colour: str) -> None:
    inside = found.in_leading_edge
    for chosen, shade, name in ((~inside, FAINT, "others"), (inside, colour, "leading edge")):
        at = np.flatnonzero(chosen)
        if len(at) > _MOST:
            at = at[np.unique(np.linspace(0, len(at) - 1, _MOST).round().astype(np.int64))]
        ranks = found.ranks[at]
        figure.add_trace(
            go.Scatter(
                x=ranks, y=np.zeros(len(at)), yaxis="y2", mode="markers", name=name,
                showlegend=False, text=[escaped(quoted(text)) for text in texts.gather(at)],
                marker={"symbol": "line-ns-open", "size": 30, "color": shade,
                        "opacity": 0.9 if len(at) < 200 else 0.35, "line": {"width": 1}},
                hovertemplate="%{text} at rank %{x:,}<extra></extra>",
            )
        )  # fmt: skip


def _ranked(figure: go.Figure, descending: npt.NDArray[np.float32]) -> None:
    n = len(descending)
    inner = np.linspace(0, n - 1, 600)
    ends = np.concatenate([np.arange(min(n, 100)), np.arange(max(n - 100, 0), n)])
    at = np.unique(np.concatenate([inner.round().astype(np.int64), ends]))
    figure.add_trace(
        go.Scatter(
            x=at + 1, y=descending[at], yaxis="y3", mode="lines", fill="tozeroy",
            line={"color": FAINT, "width": 1}, fillcolor=tint(NEITHER, 0.5), showlegend=False,
            name="logit weight", hovertemplate="%{y:.3g} at rank %{x:,}<extra></extra>",
        )
    )  # fmt: skip


def _axes(figure: go.Figure, found: RunningSum, n: int) -> None:
    low, high = float(found.heights.min()), float(found.heights.max())
    pad = 0.1 * (high - low)
    figure.update_xaxes(
        title="tokens in order of logit weight, the highest first (rank)", range=[0, n],
        anchor="y3", tickformat=",", rangemode="tozero",
    )  # fmt: skip
    figure.update_layout(
        yaxis={"title": "running sum (no unit)", "domain": list(_CURVE),
               "range": [low - pad, high + pad], "zeroline": True, "zerolinecolor": FAINT},
        yaxis2={"domain": list(_STROKES), "range": [-1, 1], "visible": False, "anchor": "x"},
        yaxis3={"title": "logit weight<br>(logits per unit)", "domain": list(_WEIGHTS),
                "anchor": "x"},
    )  # fmt: skip


def _named(found: RunningSum, texts: pl.Series) -> str:
    """Return the strongest tokens of the leading edge, as the caption lists them."""
    inside = np.flatnonzero(found.in_leading_edge)
    shown = inside[:_N_TOKENS] if found.es > 0 else inside[::-1][:_N_TOKENS]
    more = " …" if len(inside) > _N_TOKENS else "."
    end = "highest" if found.es > 0 else "lowest"
    return f"the {end}: {' '.join(quoted(text) for text in texts.gather(shown))}{more}"


def _hits(run: Run) -> str:
    adds = {
        "none": "Each token of the set adds the same",
        "normal-scores": "Tokens of the set add by rank, most at the ends",
        "magnitude": "Tokens of the set add by the size of their weight",
    }[run.tested.weight]
    return f"{adds}, each other takes the same off."
