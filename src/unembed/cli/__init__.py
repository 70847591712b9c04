"""The command line: `unembed demo`, `run`, and what is asked of a run."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from unembed.cli.app import app
from unembed.cli.output import say_error
from unembed.errors import UnembedError
from unembed.outside.text import shown
from unembed.version import __version__

__all__ = ["app", "main"]

_DEBUG = "--debug"


def main() -> None:
    """Run the command line; a user's mistake ends in a message and exit status 1.

    What nobody foresaw ends in one line that says so, too; `--debug`, anywhere, tells the rest.

    Output is UTF-8 whatever the locale says: tokens hold every character there is. What is none, a
    byte of a path that is no UTF-8, is written as an escape.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    debug = _DEBUG in sys.argv[1:]
    sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != _DEBUG]
    try:
        app()
    except UnembedError as error:
        say_error(error)
        sys.exit(1)
    except (SystemExit, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # what a library written in Rust panics with is no Exception
        if debug:
            raise
        first = (str(error).splitlines() or [""])[0]
        say_error(
            f"{type(error).__name__}: {shown(first)}. Nothing that was finished is lost. "
            f"Please report it to its authors, with what the same command says with {_DEBUG}.",
            before=f"This is a fault of unembed {__version__}, not yours:",
        )
        sys.exit(70)
