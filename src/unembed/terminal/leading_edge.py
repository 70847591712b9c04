"""The members of a token set that carry its enrichment in one feature."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from unembed.numerals import number, power
from unembed.outside.text import quoted, shown


def draw(facts: dict[str, Any], *, n_tokens: int = 30) -> Group:
    """Return a leading edge, drawn for the terminal; of a suppressed set the lowest ranks first.

    Args:
        facts: as `questions.leading_edge_facts` returns it.
        n_tokens: how many tokens.
    """
    edge = facts["leading_edge"]
    promoted = facts["es"] > 0
    heading = Text.assemble((facts["feature"], "bold"), "  ", (shown(facts["token_set"]), "bold"))
    scores = Text(
        f"z {facts['z']:+.1f}   q {power(facts['log10_q'])}   ES {facts['es']:+.3f}, its peak "
        f"after {facts['peak']:,} tokens"
    )
    what = "at or before" if promoted else "after"
    members = Text(f"{len(edge):,} of {facts['size']:,} members are {what} the peak:", style="dim")
    table = Table(box=None, pad_edge=False)
    table.add_column("token", style="green" if promoted else "red")
    table.add_column("rank", justify="right")
    table.add_column("logit weight", justify="right")
    some = edge[:n_tokens]
    for member in some:
        rank = f"{member['rank']:,}"
        table.add_row(Text(quoted(member["token"])), rank, number(member["weight"], 3))
    more = len(edge) - len(some)
    rest = [Text(f"… and {more:,} more; --tokens shows them", style="dim")] if more > 0 else []
    return Group(heading, scores, members, table, *rest)
