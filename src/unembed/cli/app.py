"""The commands by name."""

from __future__ import annotations

from typing import Annotated

import typer

from unembed.cli.annotate import annotate
from unembed.cli.banks import layers, match
from unembed.cli.check import check
from unembed.cli.compare import compare
from unembed.cli.explain import explain
from unembed.cli.explore import explore
from unembed.cli.export import app as export
from unembed.cli.features import features, show
from unembed.cli.find import find
from unembed.cli.lens import app as lens
from unembed.cli.mcp import mcp
from unembed.cli.neuronpedia import app as neuronpedia
from unembed.cli.pairs import enrichment, leading_edge
from unembed.cli.publish import publish
from unembed.cli.report import report
from unembed.cli.run import demo, run
from unembed.cli.saes import saes
from unembed.cli.sets import app as sets
from unembed.cli.sides import sides
from unembed.cli.steer import steer
from unembed.version import __version__

app = typer.Typer(
    name="unembed",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    demo, run, features, show, explain, find, enrichment, leading_edge, layers, sides, match,
    compare, explore, report, publish, annotate, mcp, saes, check, steer,
):  # fmt: skip
    app.command()(command)
app.add_typer(sets, name="sets")
app.add_typer(lens, name="lens")
app.add_typer(export, name="export")
app.add_typer(neuronpedia, name="neuronpedia")


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Say all that is known of an unforeseen error.")
    ] = False,
) -> None:
    """Read what a language model's features write.

    Start with `unembed demo`, which needs no network.
    """
