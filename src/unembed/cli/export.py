"""`unembed export`: a run's features in the files of other tools."""

from __future__ import annotations

import typer

from unembed.cli.control_vector import control_vector

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="A run's features in the files of other tools.",
)


@app.callback()
def _about() -> None:
    """A run's features in the files of other tools."""


app.command("control-vector")(control_vector)
