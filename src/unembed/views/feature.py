"""One feature: statistics, tokens at both ends, its histogram, its token sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed import neuronpedia
from unembed.quoted import quoted
from unembed.store import Run
from unembed.views import enrichment, histogram
from unembed.views.features import STATISTICS
from unembed.views.text import number

_N_SETS = 20
_LOG10_MAX_Q = np.log10(0.05)


def facts(run: Run, address: str) -> dict[str, Any]:
    """Return what `unembed show --json` prints of a feature: its own facts and its token sets.

    Raises:
        QueryError: when the run has no such feature.
    """
    sets = _sets(run, address) if run.has_enrichment else None
    return {**own_facts(run, address), "token_sets": sets}


def own_facts(run: Run, address: str) -> dict[str, Any]:
    """Return what a feature is, without its token sets.

    Percentiles are of the feature among all of its bank, by each statistic.

    Raises:
        QueryError: when the run has no such feature.
    """
    row = run.feature(address)
    bank = run.scalars.filter(bank=row["bank"])
    source = next(b for b in run.manifest["banks"] if b["name"] == row["bank"])
    known = source["neuronpedia"]
    return {
        "feature": f"{row['bank']}/{row['index']}",
        "model": run.model,
        "lens": run.manifest["unembedding"]["lens"],
        "hook": source["hook"],
        "steps": source["origin"].get("steps", []),
        "neuronpedia": neuronpedia.page(known, row["index"]) if known else None,
        **{name: row[name] for name in STATISTICS},
        "class": row["class"],
        "label": row["label"],
        "percentiles": {
            name: _percentile(bank[name], row[name]) for name in ("std", "skewness", "kurtosis")
        },
        "top": _ends(row, "top"),
        "bottom": _ends(row, "bottom"),
        "histogram": row["histogram"],
    }


def _sets(run: Run, address: str) -> list[dict[str, Any]]:
    """Return the token sets that the feature moves most, significant or not."""
    return run.enrichment(address).head(_N_SETS).drop("feature").to_dicts()


def _percentile(column: pl.Series, value: float | None) -> float | None:
    if value is None:
        return None
    known = column.drop_nulls().to_numpy()
    below, equal = np.count_nonzero(known < value), np.count_nonzero(known == value)
    return round(100 * (below + equal / 2) / len(known), 2)


def _ends(row: dict[str, Any], end: str) -> list[dict[str, Any]]:
    columns = (row[f"{end}_ids"], row[f"{end}_tokens"], row[f"{end}_weights"])
    if columns[0] is None:
        return []
    return [
        {"id": index, "token": text, "weight": weight}
        for index, text, weight in zip(*columns, strict=True)
    ]


def draw(feature: dict[str, Any], *, n_tokens: int = 10, n_sets: int = 10) -> Group:
    """Return a feature, drawn for the terminal.

    Args:
        feature: as `facts` returns it.
        n_tokens: how many tokens of either end.
        n_sets: how many token sets.
    """
    heading = Text(feature["feature"], style="bold")
    for detail in (feature["model"], feature["hook"], feature["neuronpedia"]):
        if detail:
            heading.append(f"  {detail}", style="dim")
    if feature["steps"]:
        steps = f"as it reaches the residual stream: W_dec {' '.join(feature['steps'])}"
        heading.append(f"\n{steps}", style="dim")
    if not feature["top"]:
        flat = "Its decoder row is zero, or no token's row sees it: it writes nothing."
        return Group(heading, Text(flat))
    said = [Text(f"{feature['class']}: {feature['label']}")] if feature["class"] else []
    return Group(
        heading,
        *said,
        _statistics(feature),
        Text(""),
        histogram.draw(feature["histogram"]),
        Text("tokens (log scale) by z, the logit weight in standard deviations", style="dim"),
        Text(""),
        _tokens(feature, n_tokens),
        *_drawn_sets(feature, n_sets),
    )


def _drawn_sets(feature: dict[str, Any], n_sets: int) -> list[RenderableType]:
    if not feature["token_sets"]:
        return []
    found = pl.DataFrame(feature["token_sets"], infer_schema_length=None)
    passing = found.filter(pl.col("log10_q") <= _LOG10_MAX_Q)
    shown = passing if passing.height else found.head(3)
    title = (
        "Token sets that it moves most (direction test)"
        if passing.height
        else "No token set passes at a false discovery rate of 5 %; the nearest"
    )
    return [Text(""), enrichment.table(shown.head(n_sets), title=title, feature=False)]


def _statistics(feature: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    names = ("std", "skewness", "kurtosis", "min", "max", "norm", "log10_density")
    for name in names:
        table.add_column(name, justify="right", header_style="dim")
    table.add_row(*(number(feature[name], 3) for name in names))
    ranks = feature["percentiles"]
    table.add_row(*(f"p{ranks[name]:.1f}" if name in ranks else "" for name in names), style="dim")
    return table


def _tokens(feature: dict[str, Any], n_tokens: int) -> Table:
    table = Table(box=None, pad_edge=False)
    for end, style in (("promotes", "green"), ("suppresses", "red")):
        table.add_column(end, style=style, min_width=24)
        table.add_column(feature["lens"], justify="right")
        table.add_column("z", justify="right")
    for top, bottom in zip(feature["top"][:n_tokens], feature["bottom"][:n_tokens], strict=True):
        cells: list[Text | str] = []
        for entry in (top, bottom):
            weight = entry["weight"]
            z = (weight - feature["mean"]) / feature["std"]
            cells += [Text(quoted(entry["token"])), number(weight, 3), f"{z:+.1f}"]
        table.add_row(*cells)
    return table
