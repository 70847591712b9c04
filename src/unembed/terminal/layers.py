"""A run by bank, in order of depth: spread, classes, and which sets are written where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.explanation import CLASSES
from unembed.numerals import number
from unembed.outside.text import shown
from unembed.questions.banks import PERCENTILES, SPREAD
from unembed.terminal import boxes, heat_map

_TITLES = {
    "std": "Standard deviation of logit weights",
    "skewness": "Skewness (normal: 0)",
    "kurtosis": "Kurtosis (normal: 3; boxes on a logarithmic axis)",
}


def draw(facts: dict[str, Any], *, width: int = 100) -> Group:
    """Return the facts, drawn for the terminal.

    Args:
        facts: as `questions.layers` returns them.
        width: of the terminal.
    """
    parts: list[RenderableType] = []
    for name in SPREAD:
        parts += [
            Text(_TITLES[name], style="italic"),
            _spread(facts["banks"], name, width),
            Text(""),
        ]
    none = "" if facts["classes"] else ", which this run does not know"
    parts += [Text(f"Features by class{none}", style="italic"), _counts(facts)]
    if facts["sets"] is not None:
        parts += [Text(""), *_sets(facts, width)]
    return Group(*parts)


def _spread(banks: list[dict[str, Any]], name: str, width: int) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("bank", style="bold", no_wrap=True)
    for p in PERCENTILES:
        table.add_column(f"{p}%", justify="right", no_wrap=True)
    drawn = boxes.draw(banks, name, log=name == "kurtosis", width=max(20, min(60, width - 70)))
    table.add_column("")
    for bank, box in zip(banks, drawn, strict=True):
        table.add_row(bank["bank"], *(number(bank[f"{name}_p{p}"]) for p in PERCENTILES), box)
    return table


def _counts(facts: dict[str, Any]) -> Table:
    """Features of each bank, by class and with a token set."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("bank", style="bold", no_wrap=True)
    table.add_column("features", justify="right")
    counts = {(row["bank"], row["class"]): row["features"] for row in facts["classes"] or ()}
    present = [c for c in CLASSES if any(n for (_, of), n in counts.items() if of == c)]
    for name in present:
        table.add_column(name, justify="right")
    enriched = facts["sets"] is not None
    if enriched:
        table.add_column("with a set", justify="right")
    for bank in facts["banks"]:
        cells = [f"{counts[bank['bank'], name]:,}" for name in present]
        if enriched:
            cells.append(f"{bank['with_set'] / bank['features']:.1%}")
        table.add_row(bank["bank"], f"{bank['features']:,}", *cells)
    return table


def _sets(facts: dict[str, Any], width: int) -> Iterator[RenderableType]:
    """Draw the share of each bank's features that write each set."""
    verb = {"+": "promote", "-": "suppress"}.get(facts["sign"] or "", "write")
    yield Text.assemble(
        (f"Features that {verb} each token set, by bank", "italic"),
        (f"  (direction test, false discovery rate {facts['max_q']:.0%})", "dim"),
    )
    if not facts["sets"]:
        yield Text(f"No feature does, at a false discovery rate of {facts['max_q']:.0%}.")
        return
    rows: dict[str, list[dict[str, Any]]] = {}
    for cell in facts["sets"]:
        rows.setdefault(cell["token_set"], []).append(cell)
    banks = next(iter(rows.values()))
    yield heat_map.draw(
        [shown(name) for name in rows],
        [heat_map.Column(bank["kind"], bank["layer"], bank["bank"]) for bank in banks],
        [[cell["share"] for cell in row] for row in rows.values()],
        [_end(row, facts["sign"]) for row in rows.values()],
        width,
    )
    left_out = sum(row[0]["alike"] for row in rows.values())
    if left_out:
        yield Text(f"Left out, as nearly the same as one of these: {left_out:,}.", style="dim")


def _end(row: list[dict[str, Any]], sign: str | None) -> str:
    """Return how many features write the set over all banks, and how many of them promote it."""
    up, down = (sum(cell[name] for cell in row) for name in ("promoting", "suppressing"))
    if sign is not None:
        return f"{up if sign == '+' else down:,}"
    return f"+{up:,} −{down:,}"
