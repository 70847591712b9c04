"""What Neuronpedia says of features, beside what their weights say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from unembed.numerals import number
from unembed.outside.text import quoted, shown
from unembed.visible import visible

_EXPLANATIONS = 3
_TEXTS = 3
_AROUND = 10
"""Tokens shown before the one that a feature fires on; half as many after."""


def beside(facts: dict[str, Any] | None) -> list[Text]:
    """Return the lines of a feature: what it fires on, by whom it is said, and if labels agree.

    Args:
        facts: as `questions.neuronpedia.beside_of` returns them.
    """
    if facts is None:
        return []
    lines = [_explanation(each) for each in (facts["explanations"] or [])[:_EXPLANATIONS]]
    if facts["explanations"] == []:
        lines = [Text("fires on: no explanation on Neuronpedia", style="dim")]
    if (said := _agreement(facts)) is not None:
        lines.append(said)
    if (fires := _how_often(facts)) is not None:
        lines.append(fires)
    return [*lines, *map(_text, (facts["texts"] or [])[:_TEXTS])]


def _explanation(each: dict[str, Any]) -> Text:
    who = each["model"] or each["type"]
    drawn = Text.assemble("fires on ", (shown(each["text"]), "cyan"))
    return drawn.append(f"  {shown(who)}", style="dim") if who else drawn


def _agreement(facts: dict[str, Any]) -> Text | None:
    """Say whether explanation and label agree, by which words, and how many others would."""
    if facts["agreement"] is None:
        return None
    said = {
        "agree": "explanation and label agree",
        "differ": "explanation and label differ",
        "only explanation": "the label says nothing",
        "only label": "nothing explains what it fires on",
    }[facts["agreement"]]
    if facts["words"]:
        ways = " and ".join(_WAYS[way] for way in facts["by"])
        said += f": {', '.join(map(quoted, facts['words'][:6]))} ({ways})"
    if facts["agreement"] in ("agree", "differ"):
        said += f"; {facts['chance']:.1%} of the bank's explanations would agree"
    return Text(said, style="dim")


_WAYS = {"set": "in its sets", "outermost": "among its outermost tokens", "name": "in its label"}


def _how_often(facts: dict[str, Any]) -> Text | None:
    if facts["density"] is None:
        return None
    most = facts["max_activation"]
    said = f"fires on {facts['density']:.3%} of tokens"
    return Text(said + (f", at most at {number(most)}" if most else ""), style="dim")


def _text(each: dict[str, Any]) -> Text:
    """Return a text in one line, what fires marked."""
    at, tokens = each["at"], each["tokens"]
    before = "".join(tokens[max(0, at - _AROUND) : at])
    after = "".join(tokens[at + 1 : at + 1 + _AROUND // 2])
    return Text.assemble(
        (f"{number(each['value']):>8}  ", "dim"), visible(before),
        (visible(tokens[at]), "bold reverse"), visible(after),
        no_wrap=True, overflow="ellipsis",
    )  # fmt: skip


def agreement(found: pl.DataFrame) -> Group:
    """Return how often explanations and labels agree, as tables.

    Args:
        found: as `questions.neuronpedia.agreement` returns it.
    """
    said = [
        ("All features that have an explanation", False),
        ("Those of them whose label says something", True),
    ]
    return Group(*(_table(found, title, labelled) for title, labelled in said))


def _table(found: pl.DataFrame, title: str, labelled: bool) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("bank", style="bold", overflow="fold")
    table.add_column("class")
    columns = ("features", "agree", "share", "by chance", "p", "in sets", "outermost", "in label")
    for name in columns:
        table.add_column(name, justify="right")
    for row in found.filter(pl.col("labelled_only") == labelled).iter_rows(named=True):
        table.add_row(
            shown(row["bank"]), row["class"] or "all", f"{row['features']:,}",
            f"{row['agreeing']:,}", _percent(row["share"]), _percent(row["chance"]),
            number(row["p"], 3), *(_percent(row[f"by_{way}"]) for way in _WAYS),
            style=None if row["class"] else "bold",
        )  # fmt: skip
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def fetched(found: Sequence[Any]) -> Table:
    """Return what was fetched of each bank.

    Args:
        found: as `fetch_neuronpedia` returns it.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("bank", style="bold", overflow="fold")
    table.add_column("on Neuronpedia", overflow="fold")
    for name in ("features", "explained", "with density", "with texts"):
        table.add_column(name, justify="right")
    for each in found:
        table.add_row(
            shown(each.bank), shown(each.source or "–"), f"{each.features:,}",
            *(
                f"{count:,}" if kind in each.asked else "not asked"
                for kind, count in (
                    ("explanations", each.explained),
                    ("features", each.with_density),
                    ("activations", each.with_texts),
                )
            ),
        )  # fmt: skip
    return table


def listed(found: pl.DataFrame) -> Table:
    """Return features with what they fire on and what they write.

    Args:
        found: rows of `questions.neuronpedia.agreements`.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("feature", style="bold", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("fires on", ratio=1)
    table.add_column("writes", ratio=1)
    table.add_column("words", style="dim")
    for row in found.iter_rows(named=True):
        table.add_row(
            row["feature"], row["agreement"] or "–", shown(row["explanation"] or "–"),
            shown(row["label"] or "–"), ", ".join(map(shown, row["words"] or ())),
        )  # fmt: skip
    return table
