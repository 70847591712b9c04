"""One feature's logit weights, split by token sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from unembed.errors import QueryError
from unembed.lens import EMBEDDING
from unembed.numerals import power
from unembed.outside.text import quoted
from unembed.plots.rows import about
from unembed.plots.theme import NEITHER, SET_COLOURS, escaped, finished, mixed_with_white
from unembed.questions.readings import LogitWeights
from unembed.questions.run import Run

F64 = npt.NDArray[np.float64]

_WIDTH, _HEIGHT, _LEFT = 900, 400, 76
_BINS = 120
_RUG = 22
"""Height of a row of strokes, in pixels."""
_MOST_STROKES = 3_000


class Part(NamedTuple):
    """A set of the split.

    Attributes:
        name: of the set.
        inside: [n] which tokens it holds.
        about: what the caption says of it, beside its size.
    """

    name: str
    inside: npt.NDArray[np.bool_]
    about: str = ""


_WRITTEN = "logit weight (change of a token's logit by one unit of the feature)"
_READ = "weight (what a token's embedding adds to what the feature reads)"


def histogram(run: Run, feature: str, *token_sets: str | Mapping[str, Iterable[int]]) -> go.Figure:
    """Return the histogram of one feature's logit weights, with token sets told apart.

    Beneath it, a stroke for each token of a set. The weights are read again from where the run
    says they came from.

    Args:
        run: any; with token sets for names of them.
        feature: `bank/index`.
        *token_sets: up to six: names or aliases of the run's sets, tested or set aside, or any
            others as `{"mine": [token ids]}`.

    Raises:
        QueryError: when the run has no such feature or set, or the feature writes nothing.
        SourceError: when its sources are not there any more, or changed.
    """
    row = run.feature(feature)
    address = row["feature"]
    parts_of = [part for each in token_sets for part in _resolved(run, address, each)]
    if len(parts_of) > len(SET_COLOURS):
        raise QueryError(f"{len(parts_of)} sets are too many for one histogram: name up to six.")
    if row["std"] == 0:
        raise QueryError(f"{address} writes nothing (its decoder row is zero): no weights to draw.")
    read = run.logit_weights(address)
    parts = [Part(name, np.isin(read.ids, ids), said) for name, ids, said in parts_of]
    figure = go.Figure()
    names = _bars(figure, read.weights, parts)
    _rugs(figure, run, read, parts)
    _axes(figure, read.weights, len(parts), reads=row["lens"] == EMBEDDING)
    sets = f", split by {' and '.join(part.name for part in parts)}" if parts else ""
    return finished(
        figure,
        title=f"Logit weights of {address}{sets}",
        subtitle=about(run, address),
        caption=_caption(read.weights, parts, row["std"]),
        width=_WIDTH, plot_height=_HEIGHT + _RUG * len(parts), left=_LEFT, legend=names,
    )  # fmt: skip


def _resolved(
    run: Run, feature: str, named: str | Mapping[str, Iterable[int]]
) -> list[tuple[str, npt.NDArray[np.int64], str]]:
    """Return name, members, and the test's result where there is one."""
    if not isinstance(named, str):
        known = run.tokens["id"].to_numpy()
        found = [(name, np.fromiter(ids, np.int64), "") for name, ids in named.items()]
        for name, ids, _ in found:
            if not np.isin(ids, known).all():
                strange = ids[~np.isin(ids, known)][0]
                raise QueryError(f"{name!r} holds {strange}, which is no token id of {run.model}.")
        return found
    info = run.sets.info(named, aside=True)
    ids = np.array(info["ids"], np.int64)
    if info["set_aside"]:
        return [(info["name"], ids, "not tested")]
    pair = run.enrichment(feature, token_set=info["name"]).row(0, named=True)
    said = f"z {pair['z']:+.1f}, q {power(pair['log10_q'])}"
    return [(info["name"], ids, said.replace("-", "−"))]


def _bars(figure: go.Figure, weights: npt.NDArray[np.float32], parts: list[Part]) -> list[str]:
    """Draw all tokens in grey, the sets over them; return the legend's names."""
    edges = np.linspace(float(weights.min()), float(weights.max()), _BINS + 1)
    rows = [(f"all {len(weights):,} tokens", weights, mixed_with_white(NEITHER, 0.75), 1.0)]
    rows += [
        (f"{part.name} ({int(part.inside.sum()):,})", weights[part.inside], colour, 0.75)
        for part, colour in zip(parts, SET_COLOURS, strict=False)
    ]
    behind = sorted(enumerate(rows), key=lambda row: -len(row[1][1]))
    for rank, (name, values, colour, opacity) in behind:
        counts = np.histogram(values, edges)[0]
        figure.add_trace(
            go.Bar(
                x=(edges[1:] + edges[:-1]) / 2, y=counts, width=edges[1] - edges[0],
                name=escaped(name), marker={"color": colour, "line": {"width": 0}},
                opacity=opacity, legendrank=rank,
                hovertemplate="%{y:,} tokens at %{x:.3g}<extra></extra>",
            )
        )  # fmt: skip
    return [name for name, *_ in rows]


def _rugs(figure: go.Figure, run: Run, read: LogitWeights, parts: list[Part]) -> None:
    """Draw a stroke for each member; of very many, the outermost and evenly some of the rest."""
    for at, (part, colour) in enumerate(zip(parts, SET_COLOURS, strict=False)):
        members = np.flatnonzero(part.inside)
        members = members[np.argsort(read.weights[members], kind="stable")]
        shown = members[_spread(len(members))]
        texts = run.tokens["text"].gather(read.ids[shown])
        figure.add_trace(
            go.Scatter(
                x=read.weights[shown], y=np.full(len(shown), -at - 0.5), yaxis="y2",
                mode="markers", showlegend=False, name=f"rug of {escaped(part.name)}",
                marker={"symbol": "line-ns-open", "size": 13, "color": colour, "opacity": 0.8,
                        "line": {"width": 1}},
                text=[escaped(quoted(text)) for text in texts],
                hovertemplate="%{text} %{x:.3g}<extra></extra>",
            )
        )  # fmt: skip


def _spread(n: int) -> npt.NDArray[np.int64]:
    """Return places of n values in order: all, or the ends and evenly some between."""
    if n <= _MOST_STROKES:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, _MOST_STROKES).round().astype(np.int64))


def _axes(
    figure: go.Figure, weights: npt.NDArray[np.float32], n_parts: int, *, reads: bool
) -> None:
    most = max(int(np.histogram(weights, _BINS)[0].max()), 10)
    share = n_parts * _RUG / (_HEIGHT + n_parts * _RUG)
    ticks = [10**k for k in range(len(str(most)))]
    reach = float(weights.max() - weights.min())
    figure.update_layout(barmode="overlay", bargap=0)
    figure.update_xaxes(
        title=_READ if reads else _WRITTEN,
        range=[float(weights.min()) - 0.02 * reach, float(weights.max()) + 0.02 * reach],
        anchor="y2" if n_parts else "y",
    )  # fmt: skip
    figure.update_yaxes(
        title="tokens in bin (logarithmic)", type="log", tickvals=ticks,
        ticktext=[f"{tick:,}" for tick in ticks],
        range=[np.log10(0.6), np.log10(1.5 * most)], domain=[share + 0.01 * bool(n_parts), 1],
    )  # fmt: skip
    if n_parts:
        figure.update_layout(
            yaxis2={"domain": [0, share], "range": [-n_parts, 0], "visible": False, "anchor": "x"}
        )


def _caption(weights: npt.NDArray[np.float32], parts: list[Part], std: float) -> str:
    mean = float(weights.mean(dtype=np.float64))
    said = []
    for part in parts:
        inside = weights[part.inside]
        if not len(inside):
            said.append(f"{part.name}: no token of this model.")
            continue
        shift = (float(inside.mean(dtype=np.float64)) - mean) / std
        tested = f"; {part.about}" if part.about else ""
        text = f"{part.name}: its mean lies {shift:+.2f} std from that of all tokens{tested}."
        said.append(text.replace("+-", "−").replace(" -", " −"))
    strokes = " Beneath, a stroke for each token of a set"
    if any(int(part.inside.sum()) > _MOST_STROKES for part in parts):
        strokes += f" (of very large sets, {_MOST_STROKES:,} evenly from end to end)"
    return (
        f"{len(weights):,} tokens in {_BINS} bins, std {std:.3g}. " + " ".join(said)
        + (f"{strokes}." if parts else "")
    )  # fmt: skip
