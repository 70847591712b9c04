"""`unembed explore`: a run as a web page."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import Annotated

import typer
from rich.text import Text

from unembed import explorer
from unembed.cli.opened import open_run
from unembed.cli.options import RunFolder
from unembed.cli.output import aside
from unembed.outside.text import shown


def explore(
    path: RunFolder,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Where to listen; 0 for any free port."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Open a run in the explorer: a web page on this machine, until Ctrl-C.

    Every feature by its statistics, its tokens and its token sets; every set over all features;
    any token; the layers. Nothing leaves this machine, and no other can reach it.

        unembed explore runs/demo
        unembed explore hf:org/name

    On a server, give a port, and bring it here: `ssh -L 8377:localhost:8377 server`.
    """
    run = open_run(path)

    def ready(address: str) -> None:
        shows = f"  shows {shown(run.place)}; Ctrl-C stops it."
        aside().print(Text.assemble((address, "bold"), shows), soft_wrap=True)
        if browser:
            webbrowser.open(address)

    if not explorer.serve(run, port=port, ready=ready):
        # reading weights may take long yet, and nobody waits for them
        sys.stderr.flush()
        os._exit(0)
