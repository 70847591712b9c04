"""The command line: `unembed demo`, `run`, and what is asked of a run."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from rich.console import Console
from rich.markup import escape

from unembed.cli.app import app
from unembed.errors import UnembedError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; a user's mistake ends in a message and exit status 1.

    Output is UTF-8 whatever the locale says: tokens hold every character there is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    try:
        app()
    except UnembedError as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
