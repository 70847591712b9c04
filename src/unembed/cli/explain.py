"""`unembed explain`: why a feature has its class and label."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from unembed.cli.options import Json, RunFolder
from unembed.cli.output import print_json
from unembed.errors import SourceError
from unembed.revisit import leading_edge_of, running_sum_of
from unembed.store import Run
from unembed.views import explanation as view


def explain(
    path: RunFolder,
    feature: Annotated[str, typer.Argument(metavar="FEATURE", help="bank/index.")],
    live: Annotated[
        bool,
        typer.Option("--live/--stored", help="Read the weights again for the running sum."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Show the case for one feature's class and label.

    What was measured and where its class is cut; the token sets that the label names, each given
    the others; how much they explain; the running sum of the first; and what was rejected, and why.

        unembed explain runs/demo mlp.20/1036
    """
    run = Run.open(path)
    seen, missing = _live(run, feature) if live else (None, None)
    facts = view.facts(run, feature, seen)
    if as_json:
        print_json(facts)
    else:
        Console().print(view.draw(facts, seen, missing), highlight=False)


def _live(run: Run, feature: str) -> tuple[view.Live | None, str | None]:
    """Return what is read from the weights, or why it cannot be."""
    parts = run.explain(feature)["parts"]
    if not parts:
        return None, None
    token_set = parts[0]["token_set"]
    try:
        with Console(stderr=True).status("Reading the weights …"):
            edge = leading_edge_of(run, feature, token_set)
            return view.Live(running_sum_of(run, feature, token_set), edge), None
    except SourceError as error:
        return None, f"No running sum: {error}"
