"""Token sets in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from unembed.outside.text import quoted, shown
from unembed.terminal.text import tokens
from unembed.tokensets import TokenSets
from unembed.tokensets.check import Checked
from unembed.tokensets.describe import examples

_MOST_MISSED = 12
_LONGEST_WORD = 100


def families(sets: TokenSets) -> Table:
    """Return one row a family: how many sets, of what sizes, and the names of some."""
    drawn = _table("family", "sets", "tokens", "such as")
    sizes = sets.sizes
    for family in sets.families:
        rows = [at for at, info in enumerate(sets.infos) if info.family == family]
        span = sorted(int(sizes[at]) for at in rows)
        drawn.add_row(
            shown(family),
            f"{len(rows):,}",
            f"{span[0]:,}" if span[0] == span[-1] else f"{span[0]:,} to {span[-1]:,}",
            Text(
                ", ".join(shown(sets.infos[at].name) for at in rows[:20]), no_wrap=True,
                overflow="ellipsis",
            ),
        )  # fmt: skip
    return drawn


def listing(sets: TokenSets) -> Table:
    """Return one row a set: its size, words that are no single tokens, and examples."""
    drawn = _table("set", "tokens", "missed", "examples")
    for info, size in zip(sets.infos, sets.sizes, strict=True):
        missed = "" if info.missed is None else f"{info.missed:,} of {info.words:,}"
        drawn.add_row(shown(info.name), f"{size:,}", missed, tokens(examples(sets, info.name)))
    return drawn


def modules(sets: TokenSets) -> Table:
    """Return one row a discovered module: its size, what was measured, and its tokens."""
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("module", style="bold")
    drawn.add_column("tokens", justify="right", no_wrap=True)
    drawn.add_column("what was found")
    for info, size in zip(sets.infos, sets.sizes, strict=True):
        drawn.add_row(Text(shown(info.name)), f"{size:,}", Text(shown(info.description)))
    return drawn


def left_out(sets: TokenSets) -> Table:
    """Return one row for each set that was set aside, with the reason."""
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("set aside", style="bold", no_wrap=True)
    drawn.add_column("why", style="dim")
    for aside in sets.set_aside:
        drawn.add_row(Text(shown(aside.name)), Text(shown(aside.reason)))
    return drawn


def checks(found: Sequence[Checked]) -> Table:
    """Return one row for each set of a checked file: what it holds, and what to know of it."""
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column("set", style="bold", no_wrap=True)
    drawn.add_column("tokens", justify="right", no_wrap=True)
    drawn.add_column("what to know")
    for each in found:
        drawn.add_row(shown(each.name), f"{each.size:,}", Text("\n".join(_remarks(each))))
    return drawn


def _remarks(checked: Checked) -> list[str]:
    remarks = []
    if checked.set_aside:
        remarks.append(f"set aside: {checked.set_aside}")
    if checked.missed:
        missed = ", ".join(shown(each, _LONGEST_WORD) for each in checked.missed[:_MOST_MISSED])
        more = len(checked.missed) - _MOST_MISSED
        remarks.append(
            f"{len(checked.missed):,} of {checked.words:,} words are no single tokens: {missed}"
            + (f" and {more:,} more" if more > 0 else "")
        )
    if checked.same_as:
        remarks.append(f"the same tokens as the built-in {shown(', '.join(checked.same_as))}")
    return remarks or ["good"]


def draw(facts: dict[str, Any], *, n_tokens: int) -> RenderableType:
    """Return one set, drawn for the terminal."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column()
    rows = {
        "family": facts["family"],
        "source": facts["source"],
        "members": facts["definition"],
        "words": _words(facts),
        "also called": ", ".join(facts["aliases"]),
        "set aside": facts["set_aside"],
    }
    for label, value in rows.items():
        if value:
            drawn.add_row(label, Text(shown(value)))
    members = Columns([Text(quoted(text)) for text in facts["tokens"][:n_tokens]])
    more = facts["size"] - n_tokens
    return Group(
        Text.assemble((shown(facts["name"]), "bold"), f": {facts['size']:,} tokens"),
        Text(shown(facts["description"])),
        drawn,
        Text(),
        members,
        Text(f"… and {more:,} more; --tokens shows them" if more > 0 else "", style="dim"),
    )


def _words(facts: dict[str, Any]) -> str:
    if facts["words"] is None:
        return ""
    return f"{facts['words'] - facts['missed']:,} of {facts['words']:,} are single tokens"


def _table(name: str, *columns: str) -> Table:
    drawn = Table(box=None, pad_edge=False)
    drawn.add_column(name, style="bold", no_wrap=True)
    for column in columns[:-1]:
        drawn.add_column(column, justify="right", no_wrap=True)
    drawn.add_column(columns[-1])  # its texts are cut to fit, so that the others stay whole
    return drawn
