"""Matched features of two banks, and one feature followed through all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.addresses import ADDRESS
from unembed.matching import BankMatches
from unembed.store import Run
from unembed.views.text import number, tokens

N_TOKENS = 4

Sign = Literal["+", "-"]
_OTHER_END = {"top": "bottom", "bottom": "top"}
_BEFORE = ("feature", "bank", "kind", "layer")
_SIDE = ("cosine", "z", "mutual", "cutoff", "passes")


def of_sign(run: Run, frame: pl.DataFrame, sign: Sign, *, limit: int | None = None) -> pl.DataFrame:
    """Return the matches of one sign, with the tokens that show them.

    Args:
        run: of the features.
        frame: `BankMatches.pairs`, or what `matching.follow` returns.
        sign: `+` for the most similar features, `-` for the most opposite ones.
        limit: at most so many.

    Returns:
        relation (`alike` or `opposite`), feature, match, cosine, z, mutual, passes (and cutoff,
        bank, kind, layer of a followed feature); feature_tokens, match_tokens, and end: `top` for
        what the feature promotes, `bottom` for what it suppresses, whichever reaches further
        out. Of the match the same end, or the other one where it is opposite. Pairs of banks
        with the largest |z| first, features without a match (flat ones) last; banks in order.
    """
    prefix = "" if sign == "+" else "opposite_"
    renamed = {f"{prefix}{name}": name for name in _SIDE if f"{prefix}{name}" in frame.columns}
    before = [name for name in _BEFORE if name in frame.columns]
    match = "match" if sign == "+" else "opposite"
    chosen = frame.select(*before, match, *renamed).rename({**renamed, match: "match"})
    if "bank" not in before:
        rank = pl.col("z").abs()
        chosen = chosen.sort(rank, descending=True, nulls_last=True, maintain_order=True)
    relation = pl.lit("alike" if sign == "+" else "opposite").alias("relation")
    return _with_tokens(run, chosen.head(limit) if limit else chosen, sign).select(
        relation, pl.all()
    )


def _with_tokens(run: Run, frame: pl.DataFrame, sign: Sign) -> pl.DataFrame:
    pairs = list(zip(frame["feature"], frame["match"], strict=True))
    rows = _rows(run, [address for pair in pairs for address in pair if address])
    ends: list[str | None] = []
    ours: list[list[str] | None] = []
    theirs: list[list[str] | None] = []
    for feature, match in pairs:
        end = _end(rows[feature])
        other = _OTHER_END[end] if sign == "-" else end
        ends.append(end if match else None)
        ours.append(rows[feature][f"{end}_tokens"] if match else None)
        theirs.append(rows[match][f"{other}_tokens"] if match else None)
    texts = pl.List(pl.String)
    return frame.with_columns(
        pl.Series("end", ends, pl.String),
        pl.Series("feature_tokens", ours, texts),
        pl.Series("match_tokens", theirs, texts),
    )


def _rows(run: Run, addresses: list[str]) -> dict[str, dict[str, Any]]:
    """Return the rows of features, with tokens as text, by address."""
    wanted = pl.Series(sorted(set(addresses)), dtype=pl.String)
    frame = run.features.with_columns(address=ADDRESS)
    found = frame.filter(pl.col("address").is_in(wanted.implode()))
    found = found.with_columns(run.token_texts(found[f"{end}_ids"]) for end in ("top", "bottom"))
    return {row["address"]: row for row in found.iter_rows(named=True)}


def _end(row: Mapping[str, Any]) -> str:
    """Return the end that reaches further out."""
    return "top" if row["max"] - row["mean"] >= row["mean"] - row["min"] else "bottom"


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
        Text.assemble((f"{facts['bank']} → {facts['other']}", "bold"), what)
    ]
    for each in _signs(sign):
        parts += [Text(""), _heading(facts, each)]
        parts.append(_table(of_sign(run, found.pairs, each, limit=limit)))
    return Group(*parts, Text("dim: may be chance; ↔: each is the other's best", style="dim"))


def _signs(sign: Sign | None) -> tuple[Sign, ...]:
    return ("+", "-") if sign is None else (sign,)


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
    followed = "bank" in frame.columns
    table = Table(box=None, pad_edge=False)
    table.add_column("bank" if followed else "feature", style="bold", no_wrap=True)
    table.add_column("match", no_wrap=True)
    for name in ("cosine", "z", *(("chance",) if followed else ())):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in ("match's tokens",) if followed else ("feature's tokens", "match's tokens"):
        table.add_column(name)
    for row in frame.iter_rows(named=True):
        shown = ("match_tokens",) if followed else ("feature_tokens", "match_tokens")
        table.add_row(
            row["bank" if followed else "feature"],
            row["match"] or "–",
            number(row["cosine"]),
            number(row["z"], 1),
            *([number(row["cutoff"], 1)] if followed else []),
            "↔" if row["mutual"] else "",
            *(_shown(row, name, 2 * N_TOKENS if followed else N_TOKENS) for name in shown),
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
        frame: as `matching.follow` returns it.
        sign: only the similar or the opposite ones; both, if None.
    """
    row = _rows(run, [feature])[feature]
    end = _end(row)
    heading = Text(feature, style="bold", no_wrap=True, overflow="ellipsis")
    heading.append(" promotes " if end == "top" else " suppresses ", style="not bold")
    parts: list[RenderableType] = [heading.append_text(tokens(row[f"{end}_tokens"], 10))]
    for each in _signs(sign):
        table = _table(of_sign(run, frame, each))
        table.title = "Most similar in each bank" if each == "+" else "Most opposite in each bank"
        table.title_justify = "left"
        parts += [Text(""), table]
    note = "chance: the z that 1 % of random directions have; dim: no better; ↔: each other's best"
    return Group(*parts, Text(note, style="dim"))
