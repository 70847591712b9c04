"""One token set against another in every feature, as in the post's study of names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed import questions
from unembed.errors import QueryError
from unembed.plots.cells import mass, points
from unembed.plots.density import Density, density, drawn_first
from unembed.plots.labels import Box, add_labels
from unembed.plots.rows import features_of, in_quotes
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

Score = Literal["z", "es"]
_SAID = {"z": ("z", "+.1f"), "es": ("ES", "+.3f")}
_UNITS = {"z": "(null standard deviations)", "es": "(no unit)"}
_LEAST = {"z": (-3.0, 3.0), "es": (-1.0, 1.0)}
"""What the axes reach at least."""


def set_scatter(
    run: Run,
    first: str,
    second: str,
    *,
    score: Score = "z",
    bank: str | Sequence[str] | None = None,
    labels: int = 10,
) -> go.Figure:
    """Return one token set's scores against another's over all features, with both marginals.

    Features on the diagonal do the same to both; far from it, they tell one from the other.

    Args:
        run: with token sets.
        first: a set's name or alias, along x.
        second: likewise, along y.
        score: z of the direction test, or `es`, the enrichment score of TSEA, as in the post;
            where the run did not keep it, it is read again from its weights, in one sweep.
        bank: one or more banks; all unless given.
        labels: how many features get their address and outermost token.

    Raises:
        QueryError: when the run has no such set or bank, or the two are the same set; for another
            score.
        SourceError: for `es`, when the run's sources are not there any more, or changed.
    """
    if score not in _SAID:
        raise QueryError(f"Sets are held against each other by 'z' or 'es', not by {score!r}.")
    banks = banks_by_layer(run, bank)
    pairs = _both(run, first, second, banks, score)
    x, y = (pairs[column].to_numpy().astype(np.float64) for column in (score, f"{score}_second"))
    limits = _limits(np.concatenate([x, y]), *_LEAST[score])
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
    _dots(figure, pairs, found, names, max_q, score)
    _diagonal(figure, limits)
    _marginals(figure, x, y, limits)
    add_labels(
        figure, x[outermost], y[outermost], _texts(run, pairs, outermost[: 3 * labels], score), box,
        obstacles=box.pixels(x, y)[found.alone], most=labels,
    )  # fmt: skip
    _axes(figure, names, pairs, limits, score)
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


def _both(run: Run, first: str, second: str, banks: Sequence[str], score: Score) -> pl.DataFrame:
    """Return one row a feature: the scores of both sets, the second's with `_second`."""
    names = [run.sets.name(name) for name in (first, second)]
    if names[0] == names[1]:
        raise QueryError(f"{first!r} and {second!r} are the same token set: name two.")
    columns = ["feature", "token_set", "size", score, "log10_q"]
    if score == "es":
        features_of(run, banks)  # of which some must write something
        both = questions.es_of_sets(run, names, bank=banks).select(columns).drop_nulls("es")
        one, other = (both.filter(token_set=name) for name in names)
    else:
        one, other = (run.enrichment(token_set=name, bank=banks).select(columns) for name in names)
    return one.join(other, on="feature", suffix="_second", maintain_order="left")


def _limits(scores: F64, least: float, most: float) -> tuple[float, float]:
    """Return the range of both axes, from the least to the most or further."""
    low = min(float(scores.min(initial=0)), least)
    high = max(float(scores.max(initial=0)), most)
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
    figure: go.Figure, pairs: pl.DataFrame, found: Density, names: tuple[str, str], max_q: float,
    score: Score,
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
            name_of, shown = _SAID[score]
            said = [
                f"<b>{escaped(feature)}</b><br>{escaped(names[0])}: {name_of} {across:{shown}}<br>"
                f"{escaped(names[1])}: {name_of} {up:{shown}}"
                for feature, across, up in chosen.select(
                    "feature", score, f"{score}_second"
                ).iter_rows()
            ]
            total = int(of_group.sum())
            x, y = chosen[score].to_numpy(), chosen[f"{score}_second"].to_numpy()
            dots = points(x, y, said, colour, escaped(f"{name} ({total:,})"))
            figure.add_trace(dots)


def _texts(run: Run, pairs: pl.DataFrame, rows: npt.NDArray[np.int64], score: Score) -> list[str]:
    """Return the address and the outermost token of features: on the side that is stronger."""
    texts = []
    scores = pairs[rows].select("feature", score, f"{score}_second")
    for feature, one, other in scores.iter_rows():
        row = run.feature(feature)
        strongest = one if abs(one) >= abs(other) else other
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
    figure: go.Figure, names: tuple[str, str], pairs: pl.DataFrame, limits: tuple[float, float],
    score: Score,
) -> None:  # fmt: skip
    zero = {"zeroline": True, "zerolinecolor": "#cfcfcf", "zerolinewidth": 1}
    for axis, name, size in (
        (figure.layout.xaxis, names[0], pairs["size"][0]),
        (figure.layout.yaxis, names[1], pairs["size_second"][0]),
    ):
        axis.update(title=f"{_SAID[score][0]} of {escaped(name)}, {size:,} tokens {_UNITS[score]}",
                    range=list(limits), domain=[0, _MAIN], **zero)  # fmt: skip
    counts = {
        "type": "log", "domain": [_MAIN + _GAP, 1], "showgrid": False, "showline": False,
        "range": [np.log10(0.7), np.log10(2 * max(pairs.height, 10))],
        "tickvals": [10, 1000, 100_000], "ticktext": ["10", "1k", "100k"],
        "tickfont": {"size": 10}, "title": {"text": "features", "font": {"size": 10}},
    }  # fmt: skip
    figure.update_layout(xaxis2={**counts, "anchor": "y"}, yaxis2={**counts, "anchor": "x"})
    figure.update_layout(bargap=0)
