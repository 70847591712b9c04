"""The features that do most to one token set: its weights against all others', with boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed.errors import QueryError
from unembed.numerals import power
from unembed.outside.text import quoted
from unembed.plots.theme import (
    INK,
    NEITHER,
    PROMOTES,
    SMALL,
    SUPPRESSES,
    escaped,
    finished,
    mixed_with_white,
    shortened,
    width_of,
)
from unembed.questions.pairs import Sign
from unembed.questions.run import Run

F32 = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

_WIDTH, _LEFT = 860, 76
_HEADING, _BOXES, _BARS, _GAP = 24, 34, 96, 12
"""Pixels of what a feature has, from above: a line about it, two boxes, the histogram, room."""
_ROW = _HEADING + _BOXES + _BARS + _GAP
_MOST = 6
_BINS = 120
_WHISKERS = (1, 25, 50, 75, 99)
_OTHERS = mixed_with_white(NEITHER, 0.75)


def best_features(
    run: Run,
    token_set: str,
    *,
    sign: Sign | None = None,
    bank: str | Sequence[str] | None = None,
    limit: int = 5,
) -> go.Figure:
    """Return the features that do most to a token set, by the direction test, one below another.

    Of each the histogram of its logit weights, in standard deviations: the set's tokens against all
    others; above, a box of either. The weights are read again from where the run says they came
    from.

    Args:
        run: with token sets.
        token_set: a set's name or alias.
        sign: only features that promote (`+`) or suppress (`-`) it.
        bank: one or more banks; all unless given.
        limit: how many features, at most six.

    Raises:
        QueryError: when the run has no such set or bank, or no feature to draw.
        SourceError: when its sources are not there any more, or changed.
    """
    if not 1 <= limit <= _MOST:
        raise QueryError(f"One to {_MOST} features have room in one figure, not {limit}.")
    writing = run.scalars.filter(pl.col("skewness").is_not_null()).select("feature")
    pairs = run.enrichment(token_set=token_set, sign=sign, bank=bank)
    best = pairs.join(writing, on="feature", how="semi", maintain_order="left").head(limit)
    if best.is_empty():
        does = {"+": "promotes", "-": "suppresses", None: "writes"}[sign]
        raise QueryError(f"No feature {does} {token_set!r}: there is nothing to draw.")
    addresses, name = best["feature"].to_list(), best["token_set"][0]
    scored = run.enrichment(addresses, token_set=name, tsea=True)
    rows = {row["feature"]: row for row in scored.iter_rows(named=True)}
    members = np.array(run.sets.info(name)["ids"], np.int64)
    figure, height = go.Figure(), _ROW * len(addresses)
    ends = []
    for at, address in enumerate(addresses):
        read = run.logit_weights(address)
        z = (read.weights - read.weights.mean(dtype=np.float64)) / run.feature(address)["std"]
        inside = np.isin(read.ids, members)
        colour = PROMOTES if rows[address]["z"] > 0 else SUPPRESSES
        texts = run.tokens["text"].gather(read.ids[inside]).to_list()
        _bars(figure, z, inside, colour, name, at)
        _boxes(figure, z, inside, colour, texts, at)
        _place(figure, at, height, _said(run, rows[address]), z)
        ends += [float(z.min()), float(z.max())]
    reach = max(ends) - min(ends)
    figure.update_layout(barmode="overlay", bargap=0)
    figure.update_xaxes(
        title="logit weight (standard deviations of the feature's; no unit)",
        range=[min(ends) - 0.02 * reach, max(ends) + 0.02 * reach],
        anchor=f"y{2 * len(addresses) - 1}" if len(addresses) > 1 else "y",
    )  # fmt: skip
    info = run.sets.info(name)
    return finished(
        figure,
        title=f"The features that write {name} most",
        subtitle=f"{info['description'].rstrip('.') or name} ({info['size']:,} tokens)",
        caption=(
            "The strongest by the direction test; q is over all pairs of the bank. Coloured: the "
            "set's tokens (blue where the feature promotes it, orange where it suppresses it); "
            f"grey: all others; {_BINS} bins, counts on a logarithmic scale. Boxes: 25th to 75th "
            "percentile with the median; "
            "whiskers: 1st and 99th; dots: the set's tokens beyond these."
        ),
        width=_WIDTH, plot_height=height, left=_LEFT,
    )  # fmt: skip


def _said(run: Run, pair: dict[str, Any]) -> str:
    """Return the line above a feature: its address, its scores, its label, as far as it fits."""
    scores = f"z {pair['z']:+.1f}, q {power(pair['log10_q'])}, ES {pair['es']:+.2f}, AUROC " \
             f"{pair['auroc']:.3f}".replace("-", "−")  # fmt: skip
    label = str(run.feature(pair["feature"])["label"] or "").split("; q ")[0]
    room = _WIDTH - _LEFT - 24 - width_of(f"{pair['feature']} {scores}  ", SMALL)
    label = shortened(label, max(int(room / (0.5 * SMALL)), 1))
    return f"<b>{escaped(pair['feature'])}</b>  {scores}  <i>{escaped(label)}</i>"


def _bars(figure: go.Figure, z: F32, inside: Flags, colour: str, name: str, at: int) -> None:
    edges = np.linspace(float(z.min()), float(z.max()), _BINS + 1)
    middles, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    for values, shade, what in ((z[~inside], _OTHERS, "others"), (z[inside], colour, name)):
        figure.add_trace(
            go.Bar(
                x=middles, y=np.histogram(values, edges)[0], width=width, yaxis=_axis(2 * at),
                name=escaped(what), marker={"color": shade, "line": {"width": 0}},
                opacity=1.0 if shade == _OTHERS else 0.8, showlegend=False,
                hovertemplate=f"%{{y:,}} tokens: {escaped(what)}, at %{{x:.3g}}<extra></extra>",
            )
        )  # fmt: skip


def _boxes(
    figure: go.Figure, z: F32, inside: Flags, colour: str, texts: list[str], at: int
) -> None:
    """Draw two boxes, and the set's tokens beyond its whiskers."""
    axis = _axis(2 * at + 1)
    for place, values, shade in ((0, z[~inside], "#8c8c8c"), (1, z[inside], colour)):
        low, q1, median, q3, high = ([float(each)] for each in np.percentile(values, _WHISKERS))
        figure.add_trace(
            go.Box(
                y=[place], lowerfence=low, q1=q1, median=median, q3=q3, upperfence=high,
                orientation="h", yaxis=axis, showlegend=False, hoverinfo="skip", width=0.6,
                name="the set" if place else "others", whiskerwidth=0.5,
                line={"color": shade, "width": 1.2}, fillcolor=mixed_with_white(shade, 0.25),
            )
        )  # fmt: skip
    own = z[inside]
    low, high = np.percentile(own, (_WHISKERS[0], _WHISKERS[-1]))
    beyond = np.flatnonzero((own < low) | (own > high))
    figure.add_trace(
        go.Scatter(
            x=own[beyond], y=np.ones(len(beyond)), yaxis=axis, mode="markers", showlegend=False,
            marker={"color": colour, "size": 3.5}, name="outermost",
            text=[escaped(quoted(texts[each])) for each in beyond],
            hovertemplate="%{text} %{x:.3g}<extra></extra>",
        )
    )  # fmt: skip


def _place(figure: go.Figure, at: int, height: int, said: str, z: F32) -> None:
    """Give a feature its axes and the line above them."""
    top = 1 - at * _ROW / height
    boxes = top - _HEADING / height
    bars = boxes - _BOXES / height
    most = max(int(np.histogram(z, _BINS)[0].max()), 10)
    ticks = [10**k for k in range(0, len(str(most)), 2)]
    figure.update_layout({
        _name(2 * at): {
            "title": {"text": "tokens", "font": {"size": SMALL}}, "type": "log", "anchor": "x",
            "domain": [max(bars - _BARS / height, 0), bars], "tickvals": ticks,
            "ticktext": [f"{tick:,}" for tick in ticks],
            "range": [float(np.log10(0.6)), float(np.log10(1.5 * most))],
        },
        _name(2 * at + 1): {
            "domain": [bars, boxes], "range": [-0.6, 1.6], "visible": False, "anchor": "x",
        },
    })  # fmt: skip
    figure.add_annotation(
        text=said, x=0, xref="paper", xanchor="left", y=boxes, yref="paper", yanchor="bottom",
        showarrow=False, font={"size": SMALL, "color": INK}, name="feature",
    )  # fmt: skip


def _axis(number: int) -> str:
    return f"y{number + 1}" if number else "y"


def _name(number: int) -> str:
    return f"yaxis{number + 1}" if number else "yaxis"
