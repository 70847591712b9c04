"""Steered features in the terminal: how far their sets moved, beside what, and what was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.numerals import number
from unembed.outside.text import quoted, shown

_ADDED = {"nothing": "as it is", "feature": "with the feature", "random": "with a random direction"}


def draw(rows: Sequence[dict[str, Any]]) -> Group:
    """Return what features did, one after the other.

    Args:
        rows: as `unembed.steer` returns them.
    """
    parts: list[RenderableType] = []
    for feature, of_one in groupby(rows, lambda row: row["feature"]):
        found = list(of_one)
        label = shown(found[0]["label"] or "")
        parts += [
            *([Text("")] if parts else []),
            Text.assemble((feature, "bold"), "  ", (label, "bold green")),
            *facts(found),
        ]
    return Group(*parts)


def facts(rows: Sequence[dict[str, Any]]) -> Iterator[RenderableType]:
    """Yield what one feature did, without its name.

    Args:
        rows: one for each strength.
    """
    first = rows[0]
    yield Text(_where(first), style="dim")
    if not first["sets"]:
        yield Text("Its label names no token set, so that there is none to watch.")
    else:
        yield _sets(rows)
    yield Text(_correlations(rows))
    yield Text(
        f"output score {first['output_score']:.3f} at {first['score_strength']:g} lengths "
        f"({first['output_score_unsteered']:.3f} with nothing added, "
        f"{first['output_score_random']:.3f} a random direction)"
    )
    yield from _texts(first["texts"])


def _where(row: dict[str, Any]) -> str:
    at = "what enters block 0" if row["block"] < 0 else f"the output of block {row['block']}"
    inside = "" if row["exact"] else ", without what the MLP of its block makes of it"
    return (
        f"added to {at}{inside}, of {shown(row['model'])}; the stream's length there is "
        f"{row['length']:,.0f}; {row['prompts']:,} prompts"
    )


def _sets(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("token set", style="bold", overflow="fold")
    for heading in ("strength", "log p", "change", "matched sets", "rank", "random directions",
                    "rank"):  # fmt: skip
        table.add_column(heading, justify="right")
    for row in rows:
        for each in row["sets"]:
            table.add_row(
                shown(each["token_set"]), f"{row['strength']:g}", number(each["log_p"]),
                Text(f"{each['change']:+.2f}", _style(each)),
                f"{each['matched_change']:+.2f}",
                f"{each['matched_rank']} of {each['matched'] + 1}",
                f"{each['random_change']:+.2f}", f"{each['random_rank']} of {each['random'] + 1}",
            )  # fmt: skip
    return table


def _style(each: dict[str, Any]) -> str:
    """Return how a change is shown: as it moved, where it moved as the label says."""
    if each["change"] * each["sign"] <= 0:
        return "yellow"
    return "green" if each["change"] > 0 else "red"


def _correlations(rows: Sequence[dict[str, Any]]) -> str:
    told = []
    for row in rows:
        of_lenses = "; ".join(
            f"{shown(each['lens'])} {number(each['correlation'])} (a random direction "
            f"{number(each['random'])})"
            for each in row["correlations"]
        )
        told.append(f"at {row['strength']:g} " + of_lenses if len(rows) > 1 else of_lenses)
    return f"change of all logits with the logit weights, correlation: {', '.join(told)}"


def _texts(texts: Sequence[dict[str, Any]]) -> Iterator[RenderableType]:
    for prompt, of_prompt in groupby(texts, lambda each: each["prompt"]):
        yield Text(f"{shown(prompt)} …", style="italic")
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for each in of_prompt:
            how = _ADDED.get(each["added"], each["added"])
            strength = f", {each['strength']:g}" if each["strength"] else ""
            table.add_row(f"  {how}{strength}", quoted(each["text"]))
        yield table
