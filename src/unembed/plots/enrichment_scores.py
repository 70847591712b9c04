"""Manhattan pictures of enrichment scores: every feature, a panel a token set, as in the post."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed import questions
from unembed.errors import QueryError
from unembed.numerals import power
from unembed.plots.cells import mass, points
from unembed.plots.density import Density, density, drawn_first, log_counts
from unembed.plots.labels import Box, add_labels
from unembed.plots.rows import features_of
from unembed.plots.theme import (
    NEITHER,
    PROMOTES,
    SMALL,
    SUPPRESSES,
    escaped,
    finished,
    mixed_with_white,
    shortened,
)
from unembed.plots.threshold import max_q_of, percent
from unembed.questions.banks import banks_by_layer
from unembed.questions.run import Run

F64 = npt.NDArray[np.float64]

_HEIGHT, _LEFT, _RIGHT = 420, 64, 24
_RIGHT_OF_MASS = 100
_MOST = 6
_PANEL, _WIDEST = 300, 1380
_BETWEEN = 14
"""Pixels between two panels."""
_CHARACTER = 7
_NAMED = 15
"""Banks of so many pixels and more get their name, which stands upright."""
_LIMITS = (-1.1, 1.1)
_COUNTED = "Features in the thick of it are counted in cells (logarithmic shades)."
_GREY = mixed_with_white(NEITHER, 0.8)


def enrichment_scores(
    run: Run, *token_sets: str, bank: str | Sequence[str] | None = None, labels: int = 3
) -> go.Figure:
    """Return the enrichment score of every feature, a panel for each token set.

    Features stand by bank, from the first layer to the last, in order of index. Scores that the
    run did not keep are read again from its weights, in one sweep over all features.

    Args:
        run: with token sets.
        *token_sets: up to six names or aliases.
        bank: one or more banks; all unless given.
        labels: how many features of each panel get their address, those with the largest |ES|.

    Raises:
        QueryError: when the run has no such set or bank, for no set and for more than six,
            and where all features are zero.
        SourceError: when its sources are not there any more, or changed.
    """
    if not 1 <= len(token_sets) <= _MOST:
        raise QueryError(f"Name one to {_MOST} token sets: these are {len(token_sets)}.")
    banks = banks_by_layer(run, bank)
    features_of(run, banks)  # of which some must write something
    pairs = _placed(questions.es_of_sets(run, token_sets, bank=banks), banks)
    names = pairs["token_set"].unique(maintain_order=True).to_list()
    max_q = max_q_of(run)
    street = pairs.filter(token_set=names[0]).group_by("bank", maintain_order=True).agg(
        start=pl.col("x").min() - 0.5, stop=pl.col("x").max() + 0.5
    )  # fmt: skip
    panels = [pairs.filter(token_set=name) for name in names]
    found = [_density(panel, max_q, labels) for panel in panels]
    binned = any(each.binned for each in found)
    right = _RIGHT_OF_MASS if binned else _RIGHT
    width = min(_WIDEST, max(760, _LEFT + right + _PANEL * len(names)))
    each = (width - _LEFT - right - _BETWEEN * (len(names) - 1)) / len(names)
    figure = go.Figure()
    for at, (panel, dense) in enumerate(zip(panels, found, strict=True)):
        _panel(figure, panel, dense, at, max_q, labels, each)
        _axis(figure, street, panel, at, each, width - _LEFT - right)
    if binned:
        _one_colour_bar(figure, max(int(each.counts.max(initial=1)) for each in found))
    figure.update_yaxes(
        title="enrichment score (no unit)", range=list(_LIMITS), tickvals=[-1, -0.5, 0, 0.5, 1],
        ticktext=["−1", "−0.5", "0", "0.5", "1"], zeroline=True, zerolinecolor="#cfcfcf",
    )  # fmt: skip
    upright = max((len(name) for name in banks), default=0) * _CHARACTER
    return finished(
        figure,
        title=f"Enrichment scores of {' and '.join(names) if len(names) < 3 else 'token sets'}",
        subtitle=f"{run.model}: {panels[0].height:,} features, by bank, in order of index",
        caption=(
            f"{found[0].note('feature') if not binned else _COUNTED} Coloured: the direction test "
            f"is significant at a false discovery rate of {percent(max_q)} over all pairs of the "
            "bank; blue promotes, orange suppresses. Random directions reach large scores too, "
            f"of small sets up to ±1. Names: the largest scores, up to {labels} a panel."
        ),
        width=round(width), plot_height=_HEIGHT, left=_LEFT, right=right, below=34 + upright,
    )  # fmt: skip


def _placed(pairs: pl.DataFrame, banks: list[str]) -> pl.DataFrame:
    """Return the pairs that have a score, with their place `x` along the features, by bank."""
    turn = pl.col("bank").replace_strict(banks, list(range(len(banks))))
    ordered = pairs.drop_nulls("es").with_columns(_turn=turn).sort("_turn", maintain_order=True)
    return ordered.with_columns(x=pl.int_range(pl.len()).over("token_set").cast(pl.Float64))


def _ends(panel: pl.DataFrame) -> tuple[float, float]:
    """Return where a panel begins and ends, with room for the first and the last dot."""
    room = 0.5 + 0.01 * panel.height
    return -room, panel.height - 1 + room


def _passes(panel: pl.DataFrame, max_q: float) -> npt.NDArray[np.bool_]:
    passes: npt.NDArray[np.bool_] = panel["log10_q"].to_numpy() <= np.log10(max_q)
    return passes


def _largest(panel: pl.DataFrame, most: int) -> npt.NDArray[np.int64]:
    """Return the rows with the largest |ES|, the more significant of equals first."""
    es, log10_p = panel["es"].abs().to_numpy(), panel["log10_p"].to_numpy()
    order: npt.NDArray[np.int64] = np.lexsort((log10_p, -es))
    return order[:most]


def _density(panel: pl.DataFrame, max_q: float, labels: int) -> Density:
    first = drawn_first(panel.height, _largest(panel, labels), _passes(panel, max_q))
    x, es = panel["x"].to_numpy(), panel["es"].to_numpy().astype(np.float64)
    return density(x, es, _ends(panel), _LIMITS, cells=(60, 88), first=first)


def _panel(
    figure: go.Figure, panel: pl.DataFrame, found: Density, at: int, max_q: float, labels: int,
    width: float,
) -> None:  # fmt: skip
    """Draw one token set: the mass, the features that are not significant, those that are."""
    axis = f"x{at + 1}" if at else "x"
    if found.binned:
        figure.add_trace(mass(found, "features", xaxis=axis, showscale=False))
    x, es = panel["x"].to_numpy(), panel["es"].to_numpy().astype(np.float64)
    passes = _passes(panel, max_q)
    for colour, name, chosen in (
        (_GREY, "not significant", ~passes),
        (PROMOTES, "promoted", passes & (es >= 0)),
        (SUPPRESSES, "suppressed", passes & (es < 0)),
    ):
        shown = found.alone & chosen
        if shown.any():
            look: dict[str, Any] = {"xaxis": axis, "showlegend": False}
            texts = _hover(panel.filter(shown))
            size = 4 if colour == _GREY else 5
            dots = points(x[shown], es[shown], texts, colour, name, marker_size=size, **look)
            figure.add_trace(dots)
    rows = _largest(panel, 3 * labels)
    box = Box(width, _HEIGHT, _ends(panel), _LIMITS)
    add_labels(
        figure, x[rows], es[rows], panel["feature"].gather(rows).to_list(), box,
        obstacles=box.pixels(x, es)[found.alone], axes=(axis, "y"), most=labels,
    )  # fmt: skip


def _hover(panel: pl.DataFrame) -> list[str]:
    rows = panel.select("feature", "token_set", "es", "z", "log10_q").iter_rows()
    return [
        f"<b>{escaped(feature)}</b><br>{escaped(token_set)}: ES {es:+.3f}, z {z:+.1f}, "
        f"q {power(log10_q)}"
        for feature, token_set, es, z, log10_q in rows
    ]


def _axis(
    figure: go.Figure, street: pl.DataFrame, panel: pl.DataFrame, at: int, width: float,
    whole: float,
) -> None:  # fmt: skip
    """Give a panel its place and its banks, of which every second is shaded."""
    start = at * (width + _BETWEEN) / whole
    name, size = panel["token_set"][0], panel["size"][0]
    axis = f"x{at + 1}" if at else "x"
    rows = list(street.iter_rows())
    named = [row for row in rows if (row[2] - row[1]) / panel.height * width >= _NAMED]
    figure.update_layout({
        f"xaxis{axis[1:]}": {
            "domain": [start, min(start + width / whole, 1)], "range": list(_ends(panel)),
            "anchor": "y",
            "tickvals": [(low + high) / 2 for _, low, high in named], "tickangle": -90,
            "ticktext": [escaped(bank) for bank, *_ in named], "showgrid": False, "ticks": "",
            "side": "bottom", "tickfont": {"size": SMALL},
            "title": {"text": f"{escaped(shortened(name, 30))} ({size:,} tokens)",
                      "font": {"size": SMALL + 1}},
        }
    })  # fmt: skip
    for _, low, high in rows[1::2]:
        figure.add_shape(
            type="rect", x0=low, x1=high, y0=0, y1=1, xref=axis, yref="paper", layer="below",
            fillcolor="#f5f5f5", line_width=0, name="bank",
        )  # fmt: skip


def _one_colour_bar(figure: go.Figure, most: int) -> None:
    """Let all panels' cells have the shades of one bar."""
    darkest = max(float(log_counts(np.int64(most))), 1.0)
    heats = [trace for trace in figure.data if trace.type == "heatmap"]
    for trace in heats:
        trace.zmax = darkest
    heats[-1].update(showscale=True, colorbar_x=1.01)
