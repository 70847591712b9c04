"""Which token sets are written at which depth: set × bank, the share of features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from unembed.errors import QueryError
from unembed.plots.classes import bank_ticks
from unembed.plots.theme import SMALL, escaped, finished, shortened, width_of
from unembed.plots.threshold import max_q_of, percent
from unembed.questions.banks import banks_by_layer
from unembed.questions.pairs import Sign
from unembed.questions.run import Run
from unembed.questions.sets_by_bank import sets_by_bank

_RIGHT = 96
_LONGEST = 32
_ROW, _LEAST, _COLUMN = 20, 120, 92
_BLUES = [[0, "#ffffff"], [0.15, "#d3e5f1"], [0.5, "#6aa7d0"], [0.8, "#0072b2"], [1, "#003a5c"]]


def depth(
    run: Run,
    token_sets: Sequence[str] | None = None,
    *,
    family: str | Sequence[str] | None = None,
    bank: str | Sequence[str] | None = None,
    sign: Sign | None = None,
    limit: int = 30,
) -> go.Figure:
    """Return the share of each bank's features in which a token set is significant, set × bank.

    Banks go from the first layer to the last, sets by the bank that has most of them.

    Args:
        run: with token sets.
        token_sets: names; unless given, those that are written most, as `unembed layers` and the
            explorer show them (`questions.sets_by_bank`).
        family: only sets of this family, or of these.
        bank: one or more banks; all unless given.
        sign: only features that promote (`+`) or suppress (`-`) the set.
        limit: how many sets, where they are not named.

    Raises:
        QueryError: when the run has no such set, family or bank.
    """
    banks = banks_by_layer(run, bank)
    cells = sets_by_bank(run, token_sets, family=family, bank=bank, sign=sign, limit=limit)
    if cells.is_empty():
        raise QueryError(
            f"No set is significant in any feature of {', '.join(banks)}: there is nothing to draw."
        )
    wide = cells.pivot("bank", index="token_set", values="share", maintain_order=True)
    chosen, table = wide["token_set"].to_list(), 100 * wide.select(banks).to_numpy()
    order = np.lexsort((table.max(1), -table.argmax(1)))
    names = [chosen[at] for at in order]
    figure = _heatmap(names, table[order], bank_ticks(run, banks))
    max_q = max_q_of(run)
    verb = {"+": "promote", "-": "suppress", None: "promote or suppress"}[sign]
    picked = "" if token_sets is not None else (
        " Sets: those that most features write, on average over banks, nearly identical ones once."
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
