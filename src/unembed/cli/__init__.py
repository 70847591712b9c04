"""The command line: `unembed demo`, `run`, and what is asked of a run."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from io import TextIOWrapper

from rich.console import Console
from rich.markup import escape

from unembed.cli.app import app
from unembed.cli.system import guarded
from unembed.errors import UnembedError
from unembed.version import __version__

__all__ = ["app", "main"]

_DEBUG = "--debug"


def main() -> None:
    """Run the command line; a user's mistake ends in a message and exit status 1.

    What nobody foresaw ends in one line that says so, too; `--debug`, anywhere, tells the rest.

    Output is UTF-8 whatever the locale says: tokens hold every character there is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    debug = _DEBUG in sys.argv[1:]
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != _DEBUG]
    try:
        with nullcontext() if debug else guarded():
            app()
    except UnembedError as error:
        _say(f"[bold red]Error:[/] {escape(str(error))}")
        sys.exit(1)
    except (SystemExit, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # what a library written in Rust panics with is no Exception
        if debug:
            raise
        first = (str(error).splitlines() or [""])[0]
        _say(
            f"[bold red]This is a fault of unembed {__version__}, not yours:[/] "
            f"{escape(f'{type(error).__name__}: {first}')}. Nothing that was finished is lost. "
            f"Please report it to its authors, with what the same command says with {_DEBUG}."
        )
        sys.exit(70)


def _say(text: str) -> None:
    Console(stderr=True).print(text, soft_wrap=True, highlight=False)
