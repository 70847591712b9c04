"""Dictionaries compared: two of them side by side, and a table of any number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.matching.fates import FATES
from unembed.numerals import number
from unembed.outside.text import shown
from unembed.questions.compared import Comparison, by_fate
from unembed.terminal.text import LONGEST_NAME, line

_FATES = {
    "again": "found again",
    "split": "split",
    "merged": "merged",
    "lost": "lost",
}
_WHAT = {
    "again": "in both: found again, one to one",
    "split": "split: found again, and others of {other} add to what the match says of it",
    "lost": "lost: nothing of {other} is more alike than chance",
}
_VERBS = {"+": "promotes", "-": "suppresses"}


def draw(found: Comparison, *, limit: int | None = 8) -> Group:
    """Return two dictionaries compared, drawn for the terminal.

    Args:
        found: the comparison.
        limit: features to show of either side and fate.
    """
    facts, names = found.facts, {"a": shown(found.a), "b": shown(found.b)}
    parts: list[RenderableType] = [
        Text.assemble((f"{names['a']} and {names['b']}", "bold"), f", by {facts['compared']}"),
        *_reasons(facts),
        _counts(facts, names),
        *_said(facts),
    ]
    listed = by_fate(found.features, limit)
    parts += _lists(listed, names)
    if found.sets is not None:
        parts += _sets(found.sets, names)
    return Group(*parts)


def _reasons(facts: Mapping[str, Any]) -> Iterator[Text]:
    """Say why it was not compared by what says more."""
    for by, reason in facts["not_by"].items():
        yield Text(shown(f"not by {by}: {reason}"), style="dim")


def _counts(facts: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for side in names:
        table.add_column(names[side], justify="right", style="bold")
    sides = [facts[side] for side in names]
    table.add_row("features", *(f"{side['features']:,}" for side in sides))
    if any(side["flat"] for side in sides):
        table.add_row("flat", *(f"{side['flat']:,}" for side in sides))
    for fate in FATES:
        table.add_row(_FATES[fate], *(_count(side, fate) for side in sides))
    if any(side["reversed"] for side in sides):
        table.add_row("  with its reverse", *(f"{side['reversed']:,}" for side in sides))
    random = (f"({side['random']:.1%})" for side in sides)
    table.add_row("random decoder found", *random, style="dim")
    return table


def _count(side: Mapping[str, Any], fate: str) -> str:
    live = max(side["features"] - side["flat"], 1)
    return f"{side[fate]:,} ({side[fate] / live:.1%})"


def _said(facts: Mapping[str, Any]) -> Iterator[Text]:
    """Say how pairs were chosen, how alike they are, and whether their labels agree."""
    how = {"assignment": "by an assignment", "mutual best": "each the other's best"}
    beyond = f"{facts['expected_share']:.0%} of random directions reach"
    alike = f"z > {number(facts['cutoff'])}, which {beyond}"
    cosine = f"median cosine {number(facts['cosine_median'])}, {facts['close']:,} from 0.7 on"
    yield Text(f"{facts['pairs']:,} pairs {how[facts['assignment']]}, {alike}; {cosine}")
    if facts["labelled"]:
        shuffled = facts["same_label_shuffled"]
        beside = "" if shuffled is None else f" (shuffled {shuffled:.1%})"
        yield Text(
            f"{facts['labelled']:,} of them are labelled on both sides: {facts['same_label']:.1%} "
            f"name a set in common{beside}"
        )


def _lists(listed: pl.DataFrame, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Draw pairs once, and what is split and lost of either side."""
    for fate, side in (
        ("again", "a"), ("split", "a"), ("split", "b"), ("lost", "a"), ("lost", "b")
    ):  # fmt: skip
        rows = listed.filter((pl.col("fate") == fate) & (pl.col("side") == side))
        if not rows.height:
            continue
        other = names["b" if side == "a" else "a"]
        of = "" if fate == "again" else f"{names[side]} "
        yield Text(f"\n{of}{_WHAT[fate].format(other=other)}", style="bold")
        yield (_lost if fate == "lost" else _matched)(rows)


def _matched(rows: pl.DataFrame) -> Table:
    table = _table("feature", "match", ">cosine", ">z", "label", "match's label")
    for row in rows.iter_rows(named=True):
        more = len(row["pieces"])
        table.add_row(
            shown(row["feature"]),
            shown(row["match"]) + (f" +{more}" if more else ""),
            number(row["cosine"]),
            number(row["z"], 1),
            line(row["label"]),
            line(row["match_label"]),
        )
    return table


def _lost(rows: pl.DataFrame) -> Table:
    table = _table("feature", "nearest", ">cosine", ">z", "label")
    for row in rows.iter_rows(named=True):
        table.add_row(
            shown(row["feature"]),
            shown(row["nearest"] or "–"),
            number(row["nearest_cosine"]),
            number(row["nearest_z"], 1),
            line(row["label"]),
        )
    return table


def _sets(sets: pl.DataFrame, names: Mapping[str, str]) -> Iterator[RenderableType]:
    for side, sign in (("a", "+"), ("b", "+"), ("a", "-"), ("b", "-")):
        rows = sets.filter((pl.col("side") == side) & (pl.col("sign") == sign))
        if not rows.height:
            continue
        other = names["b" if side == "a" else "a"]
        yield Text(f"\nOnly {names[side]} {_VERBS[sign]}, and nothing of {other}", style="bold")
        table = _table(
            "token set", ">tokens", ">features", "strongest", ">z", f"nearest of {other}", ">z"
        )
        for row in rows.iter_rows(named=True):
            more = f" (+{row['alike']} alike)" if row["alike"] else ""
            table.add_row(
                f"{shown(row['token_set'], LONGEST_NAME)}{more}",
                f"{row['size']:,}",
                f"{row['features']:,}",
                shown(row["strongest"]),
                f"{row['z']:+.1f}",
                shown(row["nearest"]),
                f"{row['nearest_z']:+.1f}",
            )
        yield table


def table_of(banks: pl.DataFrame) -> Group:
    """Return which of several dictionaries is more interpretable, drawn for the terminal.

    Args:
        banks: as `questions.interpretability_by_bank` returns them.
    """
    table = _table(
        "dictionary", ">features", ">labelled", ">shaped", ">variance named", ">labels",
        ">duplicates", ">found in others", ">labels agree",
    )  # fmt: skip
    for row in banks.iter_rows(named=True):
        table.add_row(
            shown(row["name"]),
            f"{row['features'] - row['flat']:,}",
            _share(row, "labelled"),
            _share(row, "shaped"),
            _share(row, "variance_named", digits=2),
            f"{row['labels']:,}",
            _share(row, "duplicates", random=False),
            _share(row, "again"),
            _share(row, "same_label", "same_label_shuffled"),
        )
    note = (
        "In brackets: a random decoder of the same second moment and size; for labels that agree, "
        "pairs shuffled."
    )
    return Group(table, Text(note, style="dim"))


def _share(
    row: Mapping[str, Any],
    name: str,
    control: str | None = None,
    *,
    digits: int = 1,
    random: bool = True,
) -> str:
    """Return a share with that of the control behind it, where that is known."""
    if row[name] is None:
        return "–"
    beside = row[control or f"{name}_random"] if random else None
    behind = "" if beside is None else f" ({beside:.{digits}%})"
    return f"{row[name]:.{digits}%}{behind}"


def _table(*names: str) -> Table:
    """Return a table whose first column is bold; numbers, whose names begin with >, at the right.

    Labels alone may be cut.
    """
    table = Table(box=None, pad_edge=False)
    for at, name in enumerate(names):
        table.add_column(
            name.removeprefix(">"),
            style="" if at else "bold",
            justify="right" if name.startswith(">") else "left",
            no_wrap=not name.endswith("label"),
        )
    return table
