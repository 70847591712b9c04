"""Matched features of two banks, and one feature followed through all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.numerals import number
from unembed.outside.text import shown
from unembed.questions.matches import BankMatches, matches_of_sign, outermost_of, signs_of
from unembed.questions.pairs import Sign
from unembed.questions.run import Run
from unembed.terminal.text import tokens

N_TOKENS = 4
_BACK = "z back: of the same pair the other way"


def draw(run: Run, found: BankMatches, sign: Sign | None, *, limit: int | None = 20) -> Group:
    """Return the matches of two banks, drawn for the terminal.

    Args:
        run: of the banks.
        found: the matches.
        sign: only the similar or the opposite ones; both, if None.
        limit: features to show, of either sign.
    """
    facts = found.facts
    by = {"z": "z, the cosine of logit weights over its spread by chance", "cosine": "cosine"}
    what = f"  {facts['features']:,} features, the best match of each by {by[facts['by']]}"
    parts: list[RenderableType] = [
        Text.assemble((shown(f"{facts['bank']} → {facts['other']}"), "bold"), what)
    ]
    for each in signs_of(sign):
        parts += [Text(""), _heading(facts, each)]
        parts.append(_table(matches_of_sign(run, found.pairs, each, limit=limit)))
    return Group(
        *parts,
        Text(f"dim: may be chance; {_BACK}; ↔: each is the other's best", style="dim"),
    )


def _heading(facts: Mapping[str, Any], sign: Sign) -> Text:
    prefix = "" if sign == "+" else "opposite_"
    count, share = facts[f"{prefix}matched"], facts[f"{prefix}share"]
    what = "have a match" if sign == "+" else "have an opposite, which promotes what they suppress"
    beyond = f"z {'>' if sign == '+' else '<'} {facts[f'{prefix}cutoff']:.2f}"
    return Text.assemble(
        (f"{count:,} ({share:.1%}) {what}", "bold"),
        f": {beyond}, as {facts['expected_share']:.0%} of random directions have. "
        f"{facts[f'{prefix}mutual']:,} of these pairs are each other's best.",
    )


def _table(frame: pl.DataFrame) -> Table:
    """Draw matches: of the features of a bank, or of one feature in each bank."""
    followed = "other" in frame.columns
    table = Table(box=None, pad_edge=False)
    table.add_column("bank" if followed else "feature", style="bold", no_wrap=True)
    table.add_column("match", no_wrap=True)
    for name in ("cosine", "z", *(("chance",) if followed else ()), "z back"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in ("match's tokens",) if followed else ("feature's tokens", "match's tokens"):
        table.add_column(name)
    for row in frame.iter_rows(named=True):
        ends = ("match_tokens",) if followed else ("feature_tokens", "match_tokens")
        table.add_row(
            row["other" if followed else "feature"],
            row["match"] or "–",
            number(row["cosine"]),
            number(row["z"], 1),
            *([number(row["cutoff"], 1)] if followed else []),
            Text(number(row["z_back"], 1), style="" if row["passes_back"] else "dim"),
            "↔" if row["mutual"] else "",
            *(_shown(row, name, 2 * N_TOKENS if followed else N_TOKENS) for name in ends),
            style=None if row["passes"] else "dim",
        )
    return table


def _shown(row: Mapping[str, Any], name: str, limit: int) -> Text:
    """Return tokens behind a + where they are promoted, a − where they are suppressed."""
    if row[name] is None:
        return Text("")
    other = name == "match_tokens" and row["relation"] == "opposite"
    promoted = (row["end"] == "top") != other
    line = Text("+ " if promoted else "− ", no_wrap=True, overflow="ellipsis")
    return line.append_text(tokens(row[name], limit))


def draw_followed(run: Run, feature: str, frame: pl.DataFrame, sign: Sign | None) -> Group:
    """Return one feature's matches in every bank, drawn for the terminal.

    Args:
        run: of the feature.
        feature: `bank/index`.
        frame: as `questions.follow` returns it.
        sign: only the similar or the opposite ones; both, if None.
    """
    end, outermost = outermost_of(run, feature)
    heading = Text(shown(feature), style="bold", no_wrap=True, overflow="ellipsis")
    heading.append(" promotes " if end == "top" else " suppresses ", style="not bold")
    parts: list[RenderableType] = [heading.append_text(tokens(outermost, 10))]
    for each in signs_of(sign):
        table = _table(matches_of_sign(run, frame, each))
        table.title = "Most similar in each bank" if each == "+" else "Most opposite in each bank"
        table.title_justify = "left"
        parts += [Text(""), table]
    note = (
        f"chance: the z that 1 % of random directions have; dim: no better; {_BACK}; "
        "↔: each other's best"
    )
    return Group(*parts, Text(note, style="dim"))
