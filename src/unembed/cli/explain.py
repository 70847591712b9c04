"""`unembed explain`: why a feature has its class and label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from unembed import questions, terminal
from unembed.cli.opened import open_run
from unembed.cli.options import Feature, Json, RunFolder
from unembed.cli.output import aside, console, print_json
from unembed.errors import SourceError

if TYPE_CHECKING:
    from unembed import Run
    from unembed.enrichment.running_sum import RunningSum


def explain(
    path: RunFolder,
    feature: Feature,
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
    run = open_run(path, feature)
    facts: dict[str, Any] = questions.explanation_facts(run, feature)
    edge, running, missing = _reread(run, facts) if live and facts["parts"] else (None, None, None)
    facts["leading_edge"] = edge
    if as_json:
        print_json(facts)
    else:
        console().print(terminal.explanation.draw(facts, running, missing))


def _reread(
    run: Run, facts: dict[str, Any]
) -> tuple[dict[str, Any] | None, RunningSum | None, str | None]:
    """Return what the weights say of the first part, or why they cannot be read."""
    try:
        with aside().status("Reading the weights …"):
            return (*questions.first_part(run, facts), None)
    except SourceError as error:
        return None, None, f"No running sum: {error}"
