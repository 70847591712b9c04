"""Which token sets are written at which depth: set × bank, the share of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import polars as pl

from unembed.errors import QueryError
from unembed.plots.classes import bank_ticks
from unembed.plots.rows import banks_by_layer
from unembed.plots.theme import SMALL, escaped, finished, shortened, width_of
from unembed.plots.threshold import max_q_of, percent
from unembed.store import Run

_RIGHT = 96
_LONGEST = 32
_ROW, _LEAST, _COLUMN = 20, 120, 92
_BLUES = [[0, "#ffffff"], [0.15, "#d3e5f1"], [0.5, "#6aa7d0"], [0.8, "#0072b2"], [1, "#003a5c"]]
_ALIKE = 0.5


def depth(
    run: Run,
    token_sets: Sequence[str] | None = None,
    *,
    family: str | None = None,
    bank: str | Sequence[str] | None = None,
    sign: Literal["+", "-"] | None = None,
    limit: int = 30,
) -> go.Figure:
    """Return the share of each bank's features in which a token set is significant, set × bank.

    Banks go from the first layer to the last, sets by the bank that has most of them.

    Args:
        run: with token sets.
        token_sets: names; unless given, those with the largest shares, in turn of each bank,
            leaving out sets that share half of their tokens with one already chosen.
        family: only sets of this family.
        bank: one or more banks; all unless given.
        sign: only features that promote (`+`) or suppress (`-`) the set.
        limit: how many sets, where they are not named.

    Raises:
        QueryError: when the run has no such set, family or bank.
    """
    banks = banks_by_layer(run, bank)
    shares = _shares(run, banks, family, sign)
    chosen = _named(run, token_sets) if token_sets is not None else _chosen(run, shares, limit)
    if not chosen:
        raise QueryError(
            f"No set is significant in any feature of {', '.join(banks)}: there is nothing to draw."
        )
    rows = {name: row for name, *row in shares.select("token_set", *banks).iter_rows()}
    table = np.array([rows.get(name, [0.0] * len(banks)) for name in chosen])
    order = np.lexsort((table.max(1), -table.argmax(1)))
    names = [chosen[at] for at in order]
    figure = _heatmap(names, table[order], bank_ticks(run, banks))
    max_q = max_q_of(run)
    verb = {"+": "promote", "-": "suppress", None: "promote or suppress"}[sign]
    picked = "" if token_sets is not None else (
        " Sets: in turn, those with the largest share of each bank, without those that share half "
        "of their tokens with another."
    )  # fmt: skip
    left = 48 + round(max(width_of(shortened(name, _LONGEST), SMALL) for name in names))
    return finished(
        figure,
        title="Token sets by depth",
        subtitle=f"{run.model}: share of a bank's features that {verb} a set",
        caption=(
            f"Direction test at a false discovery rate of {percent(max_q)} over all pairs of the "
            f"bank. Rows in order of the bank with the largest share.{picked}"
        ),
        width=max(700, left + _RIGHT + _COLUMN * len(banks)),
        plot_height=max(_ROW * len(names), _LEAST), left=left, right=_RIGHT, below=74,
    )  # fmt: skip


def _shares(
    run: Run, banks: Sequence[str], family: str | None, sign: Literal["+", "-"] | None
) -> pl.DataFrame:
    """Return one row a set that is significant anywhere: the per cent of each bank's features."""
    sizes = {bank["name"]: bank["features"] for bank in run.manifest["banks"]}
    frames = [
        run.enrichment(bank=name, family=family, sign=sign)
        .group_by("token_set")
        .agg((100 * pl.len() / sizes[name]).alias("share"))
        .with_columns(bank=pl.lit(name))
        for name in banks
    ]
    wide = pl.concat(frames).pivot("bank", index="token_set", values="share")
    missing = [pl.lit(0.0).alias(name) for name in banks if name not in wide.columns]
    return wide.with_columns(missing).fill_null(0.0)


def _named(run: Run, token_sets: Sequence[str]) -> list[str]:
    """Return the names of sets that may be called by an alias."""
    first = f"{run.banks[0]}/{run.features['index'][0]}"
    return list(
        dict.fromkeys(run.enrichment(first, token_set=name)["token_set"][0] for name in token_sets)
    )


def _chosen(run: Run, shares: pl.DataFrame, limit: int) -> list[str]:
    """Return the sets with the largest shares of each bank, none much like one before it."""
    members = dict(run.token_sets.select("name", "ids").iter_rows())
    chosen: list[str] = []
    taken: list[npt.NDArray[np.int32]] = []
    for name in _in_turn(shares):
        mine = np.array(members[name], np.int32)
        if not any(_alike(mine, other) for other in taken):
            chosen.append(name)
            taken.append(mine)
        if len(chosen) == limit:
            break
    return chosen


def _in_turn(shares: pl.DataFrame) -> list[str]:
    """Return sets: the first of every bank, the second of every bank, and so on."""
    ranked = (
        shares.unpivot(index="token_set", variable_name="bank", value_name="share")
        .filter(pl.col("share") > 0)
        .sort("share", "token_set", descending=[True, False])
        .with_columns(turn=pl.int_range(pl.len()).over("bank"))
        .sort("turn", "share", descending=[False, True], maintain_order=True)
    )
    return ranked["token_set"].unique(maintain_order=True).to_list()


def _alike(one: npt.NDArray[np.int32], other: npt.NDArray[np.int32]) -> bool:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared >= _ALIKE * min(len(one), len(other))


def _heatmap(names: Sequence[str], table: npt.NDArray[np.float64], ticks: list[str]) -> go.Figure:
    figure = go.Figure(
        go.Heatmap(
            x=list(range(len(ticks))), y=list(range(len(names))), z=table, colorscale=_BLUES,
            zmin=0, xgap=2, ygap=2, text=_written(table), texttemplate="%{text}",
            textfont={"size": 10}, customdata=[[name] * len(ticks) for name in map(escaped, names)],
            hovertemplate="%{customdata}: %{z:.2f} % of %{x}<extra></extra>",
            colorbar={"title": {"text": "features (%)", "font": {"size": 12}}, "thickness": 12,
                      "x": 1.02, "outlinewidth": 0,
                      "len": min(1.0, 300 / max(_ROW * len(names), _LEAST))},
        )
    )  # fmt: skip
    figure.update_xaxes(
        title="bank, by layer", tickvals=list(range(len(ticks))), ticktext=ticks, showgrid=False,
        ticks="", showline=False,
    )  # fmt: skip
    figure.update_yaxes(
        title="token set", tickvals=list(range(len(names))), showgrid=False, ticks="",
        ticktext=[escaped(shortened(name, _LONGEST)) for name in names], showline=False,
        tickfont={"size": 12},
    )  # fmt: skip
    return figure


def _written(table: npt.NDArray[np.float64]) -> list[list[str]]:
    return [
        ["" if share == 0 else f"{share:.1f}" if share >= 0.1 else f"{share:.2f}" for share in row]
        for row in table
    ]
