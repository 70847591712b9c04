"""Manhattan pictures: every token set of a feature, or every feature of a token set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed.errors import QueryError
from unembed.numerals import power
from unembed.plots.cells import mass, points
from unembed.plots.density import Density, density, drawn_first
from unembed.plots.labels import Box, add_labels
from unembed.plots.rows import about
from unembed.plots.theme import FAINT, PROMOTES, SUPPRESSES, escaped, finished, mixed_with_white
from unembed.plots.threshold import max_q_of, percent, significant_from
from unembed.questions.banks import banks_by_layer
from unembed.questions.run import Run

F64 = npt.NDArray[np.float64]

_WIDTH, _HEIGHT, _LEFT = 960, 400, 70
_RIGHT_OF_MASS = 96
_LONGEST = 34
_UPRIGHT = 8
"""Up to so many groups have room for their names side by side."""


class Street(NamedTuple):
    """The x axis: groups side by side.

    Attributes:
        x: [n] of each point, in the order of the table.
        names: of the groups.
        starts: [groups + 1] where they begin.
    """

    x: F64
    names: list[str]
    starts: F64


def manhattan(
    run: Run, feature: str | None = None, *, token_set: str | None = None, labels: int = 10
) -> go.Figure:
    """Return −log10 p of the direction test: of all sets in a feature, or all features of a set.

    Sets stand side by side by family, features by bank; blue promotes, orange suppresses. The
    dashed line is the run's false discovery rate.

    Args:
        run: with token sets.
        feature: `bank/index`.
        token_set: a set's name or alias, in the place of a feature.
        labels: how many tops get their name: the strongest set of each family, or feature of each
            bank, and then the strongest of what is left.

    Raises:
        QueryError: when the run has no such feature or set, when both or neither are given.
    """
    if (feature is None) == (token_set is None):
        raise QueryError("Name a feature, or a token set with token_set=…: one of the two.")
    if feature is not None:
        return _of_feature(run, feature, labels)
    return _of_set(run, str(token_set), labels)


def _of_feature(run: Run, feature: str, labels: int) -> go.Figure:
    pairs = run.enrichment(feature).with_columns(
        group=pl.col("family").str.split("/").list.first().replace("", "other"),
        text=pl.col("token_set"),
    )
    address, bank = pairs["feature"][0], pairs["bank"][0]
    number = pl.col("token_set").replace_strict(run.sets.numbers, return_dtype=pl.Int64)
    pairs = pairs.sort("group", "family", number)
    street = _street(pairs["group"].to_list(), even=False)
    line = significant_from(run, bank)
    return _drawn(
        pairs, street, [line] * len(street.names), "token set", "family", labels,
        title=f"Token sets in {address}",
        subtitle=about(run, feature),
        x_title=f"{pairs.height:,} token sets by family (width: square root of their number)",
        max_q=max_q_of(run),
        of=f"of {bank}",
    )  # fmt: skip


def _of_set(run: Run, token_set: str, labels: int) -> go.Figure:
    pairs = run.enrichment(token_set=token_set)
    banks = banks_by_layer(run)
    pairs = pairs.with_columns(
        group=pl.col("bank"),
        text=pl.col("feature"),
        place=pl.col("bank").replace_strict(banks, list(range(len(banks)))),
    ).sort("place", "index")
    street = _street(pairs["group"].to_list(), even=True)
    name, size = pairs["token_set"][0], pairs["size"][0]
    info = run.sets.info(name)
    return _drawn(
        pairs, street, [significant_from(run, bank) for bank in street.names], "feature", "group",
        labels,
        title=f"Features that promote or suppress {name}",
        subtitle=f"{info['description'].rstrip('.') or name} ({size:,} tokens)",
        x_title=f"{pairs.height:,} features by bank, in order of index",
        max_q=max_q_of(run),
        of="of each bank",
    )  # fmt: skip


def _drawn(
    pairs: pl.DataFrame, street: Street, lines: Sequence[float], what: str, family: str,
    labels: int, *, title: str, subtitle: str, x_title: str, max_q: float, of: str,
) -> go.Figure:  # fmt: skip
    x, y = street.x, -pairs["log10_p"].to_numpy().astype(np.float64)
    finite = [line for line in lines if np.isfinite(line)]
    highest = 1.12 * max(float(y.max(initial=0)), 1.3 * max(finite, default=2), 3.0)
    tops = _tops(pairs, family, max_q)
    first = drawn_first(len(x), tops[:labels], pairs["log10_q"].to_numpy() <= np.log10(max_q))
    x_range = (float(street.starts[0]), float(street.starts[-1]))
    found = density(x, y, x_range, (0.0, highest), first=first)
    right = _RIGHT_OF_MASS if found.binned else 24
    box = Box(_WIDTH - _LEFT - right, _HEIGHT, x_range, (0.0, highest))
    figure = go.Figure()
    if found.binned:
        figure.add_trace(mass(found, f"{what}s", colorbar_x=1.01))
    _dots(figure, pairs, x, y, found, max_q)
    _lines(figure, street, lines, max_q)
    texts = [_short(pairs["text"][int(at)]) for at in tops]
    shown = box.pixels(x, y)[found.alone & (y > 0.02 * highest)]
    placed = add_labels(figure, x[tops], y[tops], texts, box, obstacles=shown, most=labels)
    _axes(figure, street, x_title, highest)
    caption = (
        f"{found.note(what)} p of the direction test, two-sided. Dashed: above it the false "
        f"discovery rate is {percent(max_q)} over all pairs {of}."
    )
    if not finite:
        caption = caption.replace("Dashed: above", "No line: nowhere")
    if placed:
        caption += f" Names: the strongest of each {'family' if family == 'family' else 'bank'}."
    below = 58 if len(street.names) <= _UPRIGHT else 88
    return finished(
        figure, title=title, subtitle=subtitle, caption=caption, width=_WIDTH,
        plot_height=_HEIGHT, left=_LEFT, right=right, below=below,
        legend=["promoted", "suppressed"],
    )  # fmt: skip


def _street(groups: Sequence[str], *, even: bool) -> Street:
    """Return the places of points that are sorted by group.

    Args:
        groups: of each point.
        even: each point takes as much room, else a group takes the square root of its number.
    """
    names = list(dict.fromkeys(groups))
    sizes = np.array([groups.count(name) for name in names], np.float64)
    widths = sizes if even else np.sqrt(sizes) + 2
    starts = np.concatenate([[0], np.cumsum(widths)])
    x = [
        start + (np.arange(size) + 0.5) * width / size
        for start, size, width in zip(starts, sizes, widths, strict=False)
    ]
    return Street(np.concatenate(x), names, starts)


def _tops(pairs: pl.DataFrame, family: str, max_q: float) -> npt.NDArray[np.int64]:
    """Return the rows to be named, the most deserving first."""
    ranked = (
        pairs.with_row_index("row")
        .filter(pl.col("log10_q") <= np.log10(max_q))
        .sort("log10_p", maintain_order=True)
        .with_columns(turn=pl.int_range(pl.len()).over(family) > 0)
        .sort("turn", "log10_p", maintain_order=True)
    )
    rows: npt.NDArray[np.int64] = ranked["row"].to_numpy().astype(np.int64)
    return rows


def _dots(
    figure: go.Figure, pairs: pl.DataFrame, x: F64, y: F64, found: Density, max_q: float
) -> None:
    """Draw what is not significant faintly, then what is."""
    z = pairs["z"].to_numpy()
    passes = pairs["log10_q"].to_numpy() <= np.log10(max_q)
    for significant in (False, True):
        for name, colour, of_sign in (
            ("promoted", PROMOTES, z >= 0), ("suppressed", SUPPRESSES, z < 0)
        ):  # fmt: skip
            chosen = found.alone & of_sign & (passes == significant)
            figure.add_trace(
                points(
                    x[chosen], y[chosen], _hover(pairs.filter(chosen)),
                    colour if significant else mixed_with_white(colour, 0.35), name,
                    showlegend=significant, legendgroup=name,
                    marker_size=6 if significant else 3.5,
                )
            )  # fmt: skip


def _hover(pairs: pl.DataFrame) -> list[str]:
    rows = pairs.select("feature", "token_set", "size", "z", "log10_p", "log10_q").iter_rows()
    return [
        f"<b>{escaped(token_set)}</b> ({size:,} tokens) in {escaped(feature)}<br>"
        f"z {z:+.1f}, p {power(p)}, q {power(q)}"
        for feature, token_set, size, z, p, q in rows
    ]


def _lines(figure: go.Figure, street: Street, lines: Sequence[float], max_q: float) -> None:
    one = len(set(lines)) == 1
    for at, height in enumerate(lines[:1] if one else lines):
        if np.isfinite(height):
            stop = -1 if one else at + 1
            figure.add_shape(
                type="line", x0=float(street.starts[at]), x1=float(street.starts[stop]),
                y0=height, y1=height, name="threshold", layer="above",
                line={"color": FAINT, "width": 1, "dash": "4px,3px"},
            )  # fmt: skip
    for at in range(1, len(street.names), 2):
        figure.add_shape(
            type="rect", x0=float(street.starts[at]), x1=float(street.starts[at + 1]), y0=0, y1=1,
            yref="paper", fillcolor="#f5f5f5", line_width=0, layer="below", name="family",
        )  # fmt: skip


def _axes(figure: go.Figure, street: Street, x_title: str, highest: float) -> None:
    middles = (street.starts[1:] + street.starts[:-1]) / 2
    figure.update_xaxes(
        title=x_title, range=[float(street.starts[0]), float(street.starts[-1])],
        tickvals=middles, ticktext=[escaped(name) for name in street.names], showgrid=False,
        ticks="", tickangle=-35 if len(street.names) > _UPRIGHT else 0,
    )  # fmt: skip
    figure.update_yaxes(title="−log10 p (no unit)", range=[0, highest])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
