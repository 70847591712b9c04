"""How many features of each bank are of which class, by layer."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from unembed.plots.theme import CLASS_COLOURS, INK, SMALL, escaped, finished
from unembed.questions.banks import banks_by_layer, classes_by_bank
from unembed.questions.run import Run

_HEIGHT, _LEFT = 400, 70
_BAR = 46
"""Room for a bank, in pixels."""
_PALE = ("diffuse", "flat")
_WRITTEN = 4.0
"""Shares of so many per cent and more have their count written in them."""


def classes(run: Run, *, bank: str | Sequence[str] | None = None) -> go.Figure:
    """Return the share of each bank's features in each class, from the first layer to the last.

    Counts are written where there is room, and said of every class when pointed at.

    Args:
        run: with token sets.
        bank: one or more banks; all unless given.

    Raises:
        QueryError: when the run has no such bank, or no classes.
    """
    banks = banks_by_layer(run, bank)
    counts = classes_by_bank(run).filter(pl.col("bank").is_in(banks), pl.col("features") > 0)
    ticks = bank_ticks(run, banks)
    figure = go.Figure()
    names = [name for name in CLASS_COLOURS if counts["class"].eq(name).any()]
    for name in names:
        of_class = pl.DataFrame({"bank": banks}).join(
            counts.filter(pl.col("class") == name), on="bank", how="left", maintain_order="left"
        )
        shares = 100 * of_class["share"].fill_null(0)
        numbers = of_class["features"].fill_null(0)
        figure.add_trace(
            go.Bar(
                x=list(range(len(banks))), y=shares.to_list(), name=name,
                customdata=numbers.to_list(),
                marker={"color": CLASS_COLOURS[name], "line": {"color": "white", "width": 0.5}},
                text=[f"{number:,}" if share >= _WRITTEN and len(banks) <= 16 else ""
                      for share, number in zip(shares, numbers, strict=True)],
                textposition="inside", insidetextanchor="middle", textangle=0,
                constraintext="none",
                textfont={"size": SMALL, "color": INK if name in _PALE else "white"},
                hovertemplate=f"%{{customdata:,}} {name} (%{{y:.1f}} %)<extra></extra>",
            )
        )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.25)
    figure.update_xaxes(
        title="bank, by layer", tickvals=list(range(len(banks))), ticktext=ticks, showgrid=False,
        ticks="", range=[-0.5, len(banks) - 0.5],
    )  # fmt: skip
    figure.update_yaxes(title="share of the bank's features (%)", range=[0, 100])
    total = int(counts["features"].sum())
    return finished(
        figure,
        title="Classes of features by layer",
        subtitle=f"{run.model}: {total:,} features in {len(banks)} bank{'s' * (len(banks) > 1)}",
        caption=(
            "Numbers in the bars are features. A class follows from the tails that random "
            "directions like the bank's do not have: on the right (prediction), on the left "
            "(suppression), on both sides; partition splits the vocabulary without tails; diffuse "
            "is as random directions are."
        ),
        width=width_for(banks), plot_height=_HEIGHT, left=_LEFT, below=74, legend=names,
    )  # fmt: skip


def bank_ticks(run: Run, banks: Sequence[str]) -> list[str]:
    """Return each bank's name, with its layer below where the name does not say it."""
    layers = {bank.name: bank.layer for bank in run.manifest.banks}
    return [
        escaped(name)
        + (f"<br>layer {layers[name]}" if layers[name] is not None and len(banks) <= 16 else "")
        for name in banks
    ]


def width_for(banks: Sequence[str]) -> int:
    """Return the width of a figure with a place for each bank."""
    return max(820, min(1400, 120 + _BAR * len(banks)))
